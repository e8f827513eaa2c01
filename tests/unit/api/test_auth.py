"""One token for the run: asked for as documented, shared by all threads, renewed in time; refusals in a sentence."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from tap_fieldnation.api.auth import TOKEN_PATH, FieldNationAuthenticator
from tap_fieldnation.api.errors import ApiError, CredentialsError, TapError
from tap_fieldnation.api.redact import MASK, redact
from tests.fakes import FakeClock, FakeTransport, Lost, answer, make_client, token_answer

if TYPE_CHECKING:
    from tap_fieldnation.api.client import Client
    from tap_fieldnation.api.transport import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

GOOD = answer(200, {"a": 1})
SECRETS = ("the-client-id", "the+client/secret=", "the-user", "the pass&word")


def authenticator_of(client: Client) -> FieldNationAuthenticator:
    assert client.authenticator
    return client.authenticator


def test_client_credentials_are_sent_as_documented() -> None:
    transport = FakeTransport()
    authenticator_of(make_client(transport)).token()
    assert transport.posts == [
        (
            "/authentication/api/oauth/token",
            {
                "grant_type": "client_credentials",
                "client_id": "the-client-id",
                "client_secret": "the+client/secret=",
                "scope": "api",
            },
        )
    ]


def test_with_user_name_and_password_the_password_grant_is_sent_as_documented() -> None:
    transport = FakeTransport()
    authenticator_of(make_client(transport, username="the-user", password="the pass&word")).token()
    assert transport.posts == [
        (
            "/authentication/api/oauth/token",
            {
                "grant_type": "password",
                "client_id": "the-client-id",
                "client_secret": "the+client/secret=",
                "scope": "api",
                "username": "the-user",
                "password": "the pass&word",
            },
        )
    ]


def test_the_token_is_asked_for_once_by_however_many_threads() -> None:
    threads = 16
    asked, go = threading.Semaphore(0), threading.Event()

    class Slow(FakeTransport):
        @override
        def post(self, path: str, body: Mapping[str, str]) -> Response:
            asked.release()
            assert go.wait(10)
            return token_answer(f"token-{len(self.posts)}")

    authenticator = authenticator_of(make_client(Slow()))
    tokens: list[str] = []
    workers = [threading.Thread(target=lambda: tokens.append(authenticator.token())) for _ in range(threads)]
    for worker in workers:
        worker.start()
    assert asked.acquire(timeout=10)
    go.set()
    for worker in workers:
        worker.join(10)
    assert tokens == ["token-0"] * threads
    assert not asked.acquire(blocking=False)


@pytest.mark.parametrize(
    ("expires_in", "kept_for"),
    [
        (3600, 3540),
        ("3600", 3540),
        (3600.9, 3540.9),
        (600, 540),
        (121, 61),
        (120, 60),
        (60, 30),
        (10, 5),
        (1, 0.5),
        (None, 3540),
        (0, 3540),
        (-5, 3540),
        ("0", 3540),
        ("", 3540),
        ("soon", 3540),
        ("nan", 3540),
        ("1e999", 3540),
        (10**400, 3540),
        ([3600], 3540),
        ({}, 3540),
    ],
    ids=lambda value: f"{value!r:.12}",
)
def test_the_token_is_renewed_a_minute_before_its_end_or_after_half_a_short_life(
    expires_in: object, kept_for: float
) -> None:
    clock = FakeClock()
    transport = FakeTransport([], [token_answer("old", expires_in=expires_in), token_answer("new")])
    authenticator = authenticator_of(make_client(transport, clock))
    start = clock.monotonic()
    assert authenticator.token() == "old"
    clock.advance(start + kept_for - clock.monotonic() - 0.01)
    assert authenticator.token() == "old"
    clock.advance(0.02)
    assert authenticator.token() == "new"
    assert len(transport.posts) == 2


def test_a_life_that_is_not_told_counts_as_an_hour() -> None:
    clock = FakeClock()
    transport = FakeTransport([], [answer(200, {"access_token": "old"}), token_answer("new")])
    authenticator = authenticator_of(make_client(transport, clock))
    assert authenticator.token() == "old"
    clock.advance(3539)
    assert authenticator.token() == "old"
    clock.advance(1)
    assert authenticator.token() == "new"


def test_time_spent_on_getting_it_counts_as_part_of_its_life() -> None:
    clock = FakeClock()
    transport = FakeTransport([], [answer(429, Retry_After="100"), token_answer("old"), token_answer("new")])
    authenticator = authenticator_of(make_client(transport, clock))
    start = clock.monotonic()
    authenticator.token()
    assert clock.monotonic() - start >= 100
    clock.advance(3600 - 61 - (clock.monotonic() - start))
    assert authenticator.token() == "old"
    clock.advance(101)
    assert authenticator.token() == "new"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3))
def test_no_life_is_so_odd_that_the_token_is_not_used(expires_in: object) -> None:
    transport = FakeTransport([GOOD], [token_answer("token-1", expires_in=expires_in)])
    make_client(transport).get("/x", {})
    assert [token for *_, token in transport.gets] == ["token-1"]


@pytest.mark.parametrize("passing", [answer(500), answer(503), answer(408), answer(429), Lost(), answer(200, b"<")])
def test_passing_trouble_at_the_token_endpoint_is_waited_out(passing: Response | Lost) -> None:
    transport = FakeTransport([], [passing, passing, token_answer()])
    assert authenticator_of(make_client(transport)).token() == "token-1"
    assert len(transport.posts) == 3


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 405, 422])
def test_a_refusal_is_not_tried_again(status: int) -> None:
    clock = FakeClock()
    transport = FakeTransport([GOOD], [answer(status, {"error": "x", "error_description": "why"})])
    with pytest.raises(TapError, match="why"):
        make_client(transport, clock).get("/x", {})
    assert len(transport.posts) == 1
    assert transport.gets == []


GRANT = "set username and password for the password grant, or ask Field Nation to enable it"
CHECK = "check client_id and client_secret, without space around them, and that they belong to this environment"
CHECK_ALL = "check client_id and client_secret, username and password, without space around them"
REFUSALS = {
    "wrong id or secret": (answer(401, {"error": "invalid_client", "error_description": "no"}), CHECK, CHECK_ALL),
    "wrong id or secret, as 400": (answer(400, {"error": "invalid_client"}), CHECK, CHECK_ALL),
    "wrong environment": (answer(404, {"status_code": 404, "message": "no"}), CHECK, CHECK_ALL),
    "wrong user or password": (answer(400, {"error": "invalid_grant"}), CHECK, CHECK_ALL),
    "wrong grant type": (
        answer(400, {"error": "unsupported_grant_type", "error_description": "no"}),
        GRANT,
        "ask Field Nation to enable it",
    ),
    "grant not open": (answer(401, {"error": "unauthorized_client"}), GRANT, "ask Field Nation to enable it"),
    "grant not open, in words": (
        answer(400, {"message": "Invalid Grant type"}),
        GRANT,
        "ask Field Nation to enable it",
    ),
    "wrong scope": (answer(400, {"error": "invalid_scope"}), GRANT, "ask Field Nation to enable it"),
    "HTML": (answer(403, b"<html>Forbidden</html>"), CHECK, CHECK_ALL),
    "nothing": (answer(400, b""), CHECK, CHECK_ALL),
}


@pytest.mark.parametrize("with_user", [False, True])
@pytest.mark.parametrize(("refusal", "alone", "with_others"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_says_which_settings_to_look_at_and_the_environment_and_no_value(
    refusal: Response, alone: str, with_others: str, *, with_user: bool
) -> None:
    user = {"username": SECRETS[2], "password": SECRETS[3]} if with_user else {}
    with pytest.raises(CredentialsError) as caught:
        authenticator_of(make_client(FakeTransport([], [refusal]), **user)).token()  # type: ignore[arg-type]
    sentence = str(caught.value)
    assert (with_others if with_user else alone) in sentence
    assert "(sandbox)" in sentence
    assert f"HTTP {refusal.status}" in sentence
    assert sentence.endswith(".")
    assert not any(secret in sentence for secret in SECRETS)


def test_a_refusal_that_echoes_the_credentials_is_shown_without_them() -> None:
    echo = answer(401, {"error": "invalid_client", "error_description": f"unknown: {' '.join(SECRETS)} (all of it)"})
    client = make_client(FakeTransport([], [echo]), username=SECRETS[2], password=SECRETS[3])
    with pytest.raises(CredentialsError) as caught:
        authenticator_of(client).token()
    assert f"unknown: {MASK} {MASK} {MASK} {MASK} (all of it)" in str(caught.value)


def test_the_credentials_and_the_tokens_are_protected_from_then_on() -> None:
    client = make_client(
        FakeTransport([], [token_answer("the-token/1", refresh_token="the-refresh/1")]),
        username=SECRETS[2],
        password=SECRETS[3],
    )
    authenticator_of(client).token()
    for secret in (*SECRETS, "the-token/1", "the-refresh/1"):
        assert redact(f"({secret})") == f"({MASK})"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 5},
        {"access_token": ["x"]},
        {"access_token": "line\nbreak"},
        {"access_token": "naïve"},
        [],
        "token",
        None,
    ],
    ids=repr,
)
def test_an_answer_without_a_usable_token_is_an_error_that_says_where_to_look(body: object) -> None:
    transport = FakeTransport([], [answer(200, body)])
    with pytest.raises(ApiError, match=f"{TOKEN_PATH} .*no access_token.*check api_url, environment"):
        authenticator_of(make_client(transport)).token()
    assert len(transport.posts) == 1


def test_after_a_failure_the_next_request_asks_again() -> None:
    transport = FakeTransport([GOOD], [answer(401), token_answer()])
    client = make_client(transport)
    with pytest.raises(CredentialsError):
        client.get("/x", {})
    client.get("/x", {})
    assert len(transport.posts) == 2


def test_the_log_tells_of_a_token_and_not_what_it_is(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    authenticator_of(make_client(FakeTransport([], [token_answer("the-token")]))).token()
    assert "3600 s" in caplog.text
    assert "the-token" not in caplog.text


def test_no_shown_form_of_the_authenticator_holds_a_secret() -> None:
    client = make_client(FakeTransport([], [token_answer("the-token")]), username=SECRETS[2], password=SECRETS[3])
    authenticator = authenticator_of(client)
    authenticator.token()
    for shown in (repr(authenticator), str(authenticator), repr(client), str(client)):
        assert not any(secret in shown for secret in (*SECRETS, "the-token"))
