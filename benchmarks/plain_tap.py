"""A simple tap, written as in the SDK's tutorial, for `benchmarks.cpu`: one stream, and defaults for everything else.

It requests the same columns and pages, has the same schema, and checks nothing.
"""

from __future__ import annotations

import typing as t

import requests
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.pagination import PageNumberPaginator
from typing_extensions import override

from tap_fieldnation.records import schema

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk.helpers.types import Context
    from singer_sdk.streams import Stream

# The type of lists that are streams in our tap: not conformed, which costs the SDK nothing.
ANY_VALUE = {"type": ["object", "array", "null"]}


class _Pages(PageNumberPaginator):
    @override
    def has_more(self, response: requests.Response) -> bool:
        metadata = response.json()["metadata"]
        return bool(metadata["page"] < metadata["pages"])


class WorkOrders(RESTStream[int]):
    """Work orders."""

    name = "work_orders"
    path = "/api/rest/v2/workorders"
    primary_keys = ("id",)
    records_jsonpath = "$.results[*]"

    def __init__(self, tap: Tap) -> None:
        known = schema.public(schema.load(self.name))["properties"]
        columns = tap.config["columns"].split(",")
        super().__init__(tap, schema={"properties": {name: known.get(name, ANY_VALUE) for name in columns}})
        login = {name: self.config[name] for name in ("client_id", "client_secret")}
        login |= {"grant_type": "client_credentials", "scope": "api"}
        response = requests.post(f"{self.url_base}/authentication/api/oauth/token", json=login, timeout=60)
        self._token = response.json()["access_token"]

    @property
    @override
    def url_base(self) -> str:
        return str(self.config["api_url"])

    @override
    def get_new_paginator(self) -> _Pages:
        return _Pages(1)

    @override
    def get_url_params(self, context: Context | None, next_page_token: int | None) -> dict[str, t.Any]:
        fixed = {"list": "workorders_all", "sticky": "false", "view": "model", "sort": "id", "order": "desc"}
        page = {"columns": self.config["columns"], "page": next_page_token or 1, "per_page": 100}
        return {**fixed, **page, "access_token": self._token}


class PlainTap(Tap):
    """The tap."""

    name = "plain-tap"
    config_jsonschema = th.PropertiesList(
        *(th.Property(name, th.StringType) for name in ("api_url", "client_id", "client_secret", "columns"))
    ).to_dict()

    @override
    def discover_streams(self) -> Sequence[Stream]:
        return [WorkOrders(self)]


if __name__ == "__main__":
    PlainTap.cli()
