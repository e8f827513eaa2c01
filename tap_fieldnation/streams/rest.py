"""What the streams that ask the API have in common, where the SDK looks for it: one host, one token, one session."""

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

    from tap_fieldnation.tap import TapFieldNation


class FieldNationStream(ConformedStream, RESTStream[int]):
    """A stream with requests of its own; they are made by the tap's one client."""

    def __init__(self, tap: TapFieldNation) -> None:
        super().__init__(tap)
        self._fieldnation = tap

    @property
    @override
    def url_base(self) -> str:
        """Where the API's paths begin."""
        return f"{self._fieldnation.origin}{API_ROOT}"

    @property
    @override
    def authenticator(self) -> Auth:
        """The one of the run."""
        return self._fieldnation.authenticator

    @property
    @override
    def requests_session(self) -> requests.Session:
        """The one of the run."""
        return self._fieldnation.transport.session

    @override
    def parse_response(self, response: requests.Response) -> Iterable[Record]:
        """Not used: pages come decoded from the client."""
        raise AssertionError(response)

    @override
    def get_new_paginator(self) -> None:
        """Not used: `reading` and `paging` know which page comes next."""
