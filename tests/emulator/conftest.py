"""A small company behind an emulator, and an HTTP client for it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
import requests

from emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TODAY = date(2026, 3, 31)
ALL = {"list": "workorders_all", "sticky": "false", "f_": "", "view": "model"}
#: A route with a short response, for tests of what all routes have in common.
SHORT_LIST = "/company/incomplete-reasons"


@pytest.fixture(autouse=True)
def _untraced(untraced: None) -> None:
    """The emulator knows nothing of the tap, whose coverage is measured."""


class ApiClient:
    """An HTTP client of an emulator; it fetches an access token for its first API request."""

    def __init__(self, api: Emulator) -> None:
        self.api = api
        self.session = requests.Session()
        self.session.trust_env = False
        self.token = ""

    def login(self, **body: Any) -> requests.Response:
        """Request a token; keyword arguments replace keys of the body."""
        full_body = {
            "grant_type": "client_credentials",
            "client_id": self.api.client_id,
            "client_secret": self.api.client_secret,
            **({} if body.get("grant_type") == "password" else {"scope": "api"}),
            **body,
        }
        response = self.session.post(f"{self.api.url}/authentication/api/oauth/token", json=full_body, timeout=5)
        if response.ok:
            self.token = response.json()["access_token"]
        return response

    def request(self, path: str, *, method: Any = "GET", timeout: Any = 5, **params: Any) -> requests.Response:
        """Send an API request with the token in its query."""
        if not self.token:
            self.login()
        return self.session.request(
            method,
            f"{self.api.url}/api/rest/v2{path}",
            params={"access_token": self.token, **params},
            timeout=timeout,
            allow_redirects=False,
        )

    def get(self, path: str, **params: Any) -> Any:
        """The decoded response to a request that has to succeed."""
        response = self.request(path, **params)
        assert response.status_code == 200, response.text
        return response.json()

    def ids(self, **params: Any) -> list[int]:
        """The ids on one page of work orders."""
        page = self.get("/workorders", **{**ALL, "columns": "id", "per_page": 100, **params})
        return [row["id"] for row in page["results"]]


@pytest.fixture
def start() -> Iterator[Callable[..., ApiClient]]:
    """Start emulators, to be stopped after the test."""
    started: list[ApiClient] = []

    def begin(**options: Any) -> ApiClient:
        api = Emulator(**{"work_orders": 250, "today": TODAY, "rate_limit": 0, **options}).start()
        started.append(ApiClient(api))
        return started[-1]

    yield begin
    for client in started:
        client.session.close()
        client.api.stop()


@pytest.fixture
def client(start: Callable[..., ApiClient]) -> ApiClient:
    """A client of a company with 250 work orders, without rate limit."""
    return start()
