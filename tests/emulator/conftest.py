"""A small company on a loopback port, and somebody who asks it things."""

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


class Caller:
    """Speaks HTTP with an emulator, with a token unless told otherwise."""

    def __init__(self, api: Emulator) -> None:
        self.api = api
        self.session = requests.Session()
        self.session.trust_env = False
        self.token = ""

    def login(self, **body: Any) -> requests.Response:
        """The token request; parts of its body can be replaced."""
        full = {
            "grant_type": "client_credentials",
            "client_id": self.api.client_id,
            "client_secret": self.api.client_secret,
            "scope": "api",
            **body,
        }
        answer = self.session.post(f"{self.api.url}/authentication/api/oauth/token", json=full, timeout=5)
        if answer.ok:
            self.token = answer.json()["access_token"]
        return answer

    def ask(self, path: str, *, method: Any = "GET", timeout: Any = 5, **params: Any) -> requests.Response:
        """An API request with the token in its query."""
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
        """The decoded answer of a request that must succeed."""
        answer = self.ask(path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ids(self, **params: Any) -> list[int]:
        """The ids of one page of work orders."""
        page = self.get("/workorders", **{**ALL, "columns": "id", "per_page": 100, **params})
        return [row["id"] for row in page["results"]]


@pytest.fixture
def start() -> Iterator[Callable[..., Caller]]:
    """Start emulators; they stop with the test."""
    started: list[Caller] = []

    def begin(**options: Any) -> Caller:
        api = Emulator(**{"work_orders": 250, "today": TODAY, "rate_limit": 0, **options}).start()
        started.append(Caller(api))
        return started[-1]

    yield begin
    for caller in started:
        caller.session.close()
        caller.api.stop()


@pytest.fixture
def call(start: Callable[..., Caller]) -> Caller:
    """A company of 250 work orders without a budget."""
    return start()
