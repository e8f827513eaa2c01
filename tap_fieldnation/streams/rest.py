"""The base class of streams that make requests: host, token and session, where the SDK expects them."""

from __future__ import annotations

import typing as t

from singer_sdk.streams import RESTStream
from typing_extensions import override

from tap_fieldnation.api.client import API_ROOT
from tap_fieldnation.streams.sdk import ConformedStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    import requests
    from singer_sdk.helpers.types import Auth, Record


class FieldNationStream(ConformedStream, RESTStream[int]):
    """A stream that makes its requests through the run's API client."""

    @property
    @override
    def url_base(self) -> str:
        """The URL that the API's paths are relative to."""
        return f"{self.run_context.origin}{API_ROOT}"

    @property
    @override
    def authenticator(self) -> Auth:
        """The authenticator that all streams share."""
        return self.run_context.authenticator

    @property
    @override
    def requests_session(self) -> requests.Session:
        """The session that all streams share."""
        return self.run_context.transport.session

    @override
    def parse_response(self, response: requests.Response) -> Iterable[Record]:
        """Not used: the client returns decoded pages."""
        raise AssertionError(response)

    @override
    def get_new_paginator(self) -> None:
        """Not used: `reading` and `paging` know which page comes next."""
