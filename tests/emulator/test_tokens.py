from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import requests

from emulator import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Caller


def test_client_credentials_give_a_bearer_token(call: Caller) -> None:
    answer = call.login()
    assert answer.json() == {"access_token": call.token, "token_type": "Bearer", "expires_in": 3600}
    assert call.api.issued_tokens == [call.token]
    assert quote(call.token, safe="") != call.token  # it has to be escaped in a URL
    assert call.api.log[0].sent_secret
    assert call.api.log[0].path == "/authentication/api/oauth/token"


def test_password_grant(call: Caller) -> None:
    answer = call.login(grant_type="password", username=call.api.username, password=call.api.password)
    assert answer.json()["refresh_token"]
    assert call.ask("/workorders/lists").ok


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "implicit"}, 400, "unsupported_grant_type"),
        ({"scope": "everything"}, 400, "invalid_scope"),
        ({"scope": None}, 400, "invalid_scope"),
        ({"grant_type": "password", "username": "x", "password": "y"}, 400, "invalid_grant"),
    ],
)
def test_refusals(call: Caller, body: dict[str, Any], status: int, error: str) -> None:
    answer = call.login(**body)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert call.api.issued_tokens == []


def test_only_json_by_post(call: Caller) -> None:
    url = f"{call.api.url}/authentication/api/oauth/token"
    form = {"grant_type": "client_credentials", "client_id": call.api.client_id}
    assert call.session.post(url, data=form, timeout=5).status_code == 400
    assert call.session.get(url, timeout=5).status_code == 405


def test_a_switched_off_grant(start: Callable[..., Caller]) -> None:
    call = start(client_credentials=False)
    assert call.login().json()["error"] == "unauthorized_client"
    assert call.login(grant_type="password", username=call.api.username, password=call.api.password).ok


def test_query_and_header(start: Callable[..., Caller]) -> None:
    call = start()
    call.login()
    url = f"{call.api.url}/api/rest/v2/workorders/lists"
    bearer = {"Authorization": f"Bearer {call.token}"}
    assert call.session.get(url, headers=bearer, timeout=5).ok
    assert call.ask("/workorders/lists").ok
    call.api.switch(header_token=False)
    assert call.session.get(url, headers=bearer, timeout=5).status_code == 401
    call.api.switch(header_token=True, query_token=False)
    assert call.ask("/workorders/lists").status_code == 401
    assert all(entry.sent_token for entry in call.api.log.of("/workorders/lists"))


def test_tokens_end(start: Callable[..., Caller]) -> None:
    clock = VirtualClock()
    call = start(clock=clock, today=None)
    assert call.ask("/workorders/lists").ok
    clock.advance(3601)
    answer = call.ask("/workorders/lists")
    assert answer.status_code == 401
    assert answer.json() == {"error": "invalid_token", "error_description": "The access token expired"}
    call.api.switch(expired_as_400=True)
    answer = call.ask("/workorders/lists")
    assert (answer.status_code, answer.json()["message"]) == (400, "Expired token")
    call.login()
    assert call.ask("/workorders/lists").ok


def test_no_token_and_a_wrong_one(call: Caller) -> None:
    url = f"{call.api.url}/api/rest/v2/workorders"
    assert requests.get(url, timeout=5).json()["code"] == "AUTHENTICATION_REQUIRED"
    answer = requests.get(url, params={"access_token": "nonsense"}, timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def test_the_log_never_holds_a_token(call: Caller) -> None:
    call.ask("/workorders", columns="id")
    assert call.api.log[-1].params["access_token"] == "***"
    assert not any(secret in repr(call.api.log.entries()) for secret in call.api.secrets)
