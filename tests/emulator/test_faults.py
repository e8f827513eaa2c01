from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from emulator import VirtualClock
from emulator.errors import CODES, SHAPES
from emulator.failing import FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Caller


def plan(call: Caller, do: str, path: str = "/workorders/lists", **options: Any) -> None:
    call.login()
    call.api.reset_log()
    call.api.faults([{"match": {"path": path}, "do": do, **options}])


def served(call: Caller, do: str) -> None:
    assert call.api.log.faults() == [do]
    assert call.api.unserved_faults() == []
    assert call.ask("/workorders/lists").ok


@pytest.mark.parametrize("status", sorted(CODES))
@pytest.mark.parametrize("shape", SHAPES)
def test_every_status_in_every_shape(call: Caller, status: int, shape: str) -> None:
    plan(call, f"{status}-{shape}", detail="Because")
    answer = call.ask("/workorders/lists")
    assert answer.status_code == call.api.log[-1].status == status
    assert "Because" in answer.text
    served(call, f"{status}-{shape}")


@pytest.mark.parametrize(
    "do", ["500", "502", "503", "504", "408", "400", "403", "404", "414", "422", "401", "400-expired"]
)
def test_plain_statuses(call: Caller, do: str) -> None:
    plan(call, do)
    assert call.ask("/workorders/lists").status_code == int(do[:3])
    served(call, do)


def test_retry_after_in_all_forms(start: Callable[..., Caller]) -> None:
    clock = VirtualClock()
    call = start(clock=clock, today=None)
    plan(call, "429-seconds", seconds=7)
    assert call.ask("/workorders/lists").headers["Retry-After"] == "7"
    plan(call, "429-date", seconds=90)
    when = parsedate_to_datetime(call.ask("/workorders/lists").headers["Retry-After"])
    assert when.timestamp() == clock.wall() + 90
    for do in ("429-none", "429-body", "429-agent"):
        plan(call, do)
        answer = call.ask("/workorders/lists")
        assert "Retry-After" not in answer.headers
        assert ("retry_after" in answer.text) == (do == "429-body")
        assert ("backoffMs" in answer.text) == (do == "429-agent")
    plan(call, "429-absurd")
    assert call.ask("/workorders/lists").headers["Retry-After"] == "99999999"
    plan(call, "429-garbage")
    assert call.ask("/workorders/lists").headers["Retry-After"] == "soon"


@pytest.mark.parametrize("do", ["reset-before", "reset-body", "cut-body", "cut-chunks"])
def test_broken_connections(call: Caller, do: str) -> None:
    plan(call, do)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        call.ask("/workorders/lists")
    served(call, do)


def test_silence(call: Caller) -> None:
    plan(call, "timeout", seconds=5)
    with pytest.raises(requests.ReadTimeout):
        call.ask("/workorders/lists", timeout=0.05)
    served(call, "timeout")


def test_drip(call: Caller) -> None:
    plan(call, "drip", pieces=4, seconds=0.001)
    assert len(call.ask("/workorders/lists").json()) == 8
    served(call, "drip")


def test_a_server_that_is_down(call: Caller) -> None:
    plan(call, "refused", seconds=0.2)
    with pytest.raises(requests.ConnectionError):
        call.ask("/workorders/lists")
    with pytest.raises(requests.ConnectionError, match="refused"):
        requests.get(call.api.url, timeout=1)
    for _ in range(100):
        time.sleep(0.02)
        try:
            assert call.ask("/workorders/lists").ok
            break
        except requests.ConnectionError:
            continue
    served(call, "refused")


def test_a_server_that_is_down_by_a_virtual_clock(start: Callable[..., Caller]) -> None:
    clock = VirtualClock()
    call = start(clock=clock, today=None)
    plan(call, "refused", seconds=30)
    with pytest.raises(requests.ConnectionError):
        call.ask("/workorders/lists")
    clock.sleep(29)
    with pytest.raises(requests.ConnectionError, match="refused"):
        requests.get(call.api.url, timeout=1)
    clock.sleep(1)
    served(call, "refused")


def test_refuse_and_accept(call: Caller) -> None:
    call.login()
    call.api.refuse()
    with pytest.raises(requests.ConnectionError):
        call.ask("/workorders/lists")
    call.api.accept()
    assert call.ask("/workorders/lists").ok


def test_spoilt_bodies(call: Caller) -> None:
    plan(call, "cut-json")
    with pytest.raises(requests.JSONDecodeError):
        call.ask("/workorders/lists").json()
    served(call, "cut-json")
    plan(call, "html")
    assert "<html>" in call.ask("/workorders/lists").text
    plan(call, "content-type")
    answer = call.ask("/workorders/lists")
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.json()
    plan(call, "empty")
    assert call.ask("/workorders/lists").content == b""
    plan(call, "null")
    assert call.ask("/workorders/lists").json() is None
    plan(call, "gzip")
    with pytest.raises(requests.exceptions.ContentDecodingError):
        call.ask("/workorders/lists")
    served(call, "gzip")


def test_redirects(start: Callable[..., Caller]) -> None:
    call, other = start(), start()
    plan(call, "redirect-other", location=f"{other.api.url}/elsewhere")
    answer = call.ask("/workorders/lists")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{other.api.url}/elsewhere")
    plan(call, "redirect-same", status=307)
    answer = call.ask("/workorders/lists")
    assert answer.status_code == 307
    assert answer.headers["Location"].startswith("/api/rest/v2/workorders/lists")
    plan(call, "redirect-http")
    assert call.ask("/workorders/lists").headers["Location"].startswith("http://")
    served(call, "redirect-http")


@pytest.mark.parametrize("do", ["token-cut", "token-altered"])
def test_a_token_that_is_damaged_on_its_way(call: Caller, do: str) -> None:
    plan(call, do)
    assert call.ask("/workorders/lists").status_code == 401
    served(call, do)


@pytest.mark.parametrize(
    ("do", "value"),
    [
        ("token-zero", 0),
        ("token-negative", -1),
        ("token-string", "3600"),
        ("token-words", "soon"),
        ("token-null", None),
    ],
)
def test_odd_lifetimes(call: Caller, do: str, value: object) -> None:
    plan(call, do, "token")
    assert call.login().json()["expires_in"] == value
    served(call, do)


def test_a_token_without_lifetime_or_without_itself(call: Caller) -> None:
    plan(call, "token-no-expiry", "token")
    assert "expires_in" not in call.login().json()
    plan(call, "500", "token")
    call.api.faults([{"match": {"path": "token"}, "do": "token-missing"}])
    body = {"grant_type": "client_credentials", "client_id": call.api.client_id, "scope": "api"}
    url = f"{call.api.url}/authentication/api/oauth/token"
    answer = call.session.post(url, json={**body, "client_secret": call.api.client_secret}, timeout=5)
    assert "access_token" not in answer.json()


def test_which_requests_fail(call: Caller) -> None:
    call.login()
    call.api.faults(
        [
            {"match": {"path": "/workorders", "nth": 3, "times": 2}, "do": "500"},
            {"match": {"path": "/workorders", "params": {"page": "9"}}, "do": "502"},
            {"match": {"path": "/users/*", "times": 0}, "do": "401"},
        ]
    )
    codes = [call.ask("/workorders", columns="id").status_code for _ in range(6)]
    assert codes == [200, 200, 500, 500, 200, 200]
    assert call.ask("/workorders", page=9).status_code == 502
    assert call.api.unserved_faults() == ["401"]
    assert [call.ask(f"/users/{number}").status_code for number in (1, 2, 3)] == [401] * 3
    assert call.api.unserved_faults() == []
    call.api.faults([])
    assert call.ask("/users/1").status_code == 404


def test_a_plan_is_checked(call: Caller) -> None:
    with pytest.raises(ValueError, match="no such fault"):
        call.api.faults([{"do": "explode"}])
    with pytest.raises(ValueError, match="cannot be matched"):
        call.api.faults([{"do": "500", "match": {"color": "red"}}])
    assert len(FAULTS) > 100
