"""One access token for the run: requested as documented, shared by all threads, renewed in time; clear errors."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from tap_fieldnation.api.auth import TOKEN_PATH
from tap_fieldnation.api.errors import ApiError, CredentialsError, TapError
from tap_fieldnation.api.redact import MASK, redact
from tests.fakes import FakeClock, FakeTransport, NoResponse, make_api, make_client, response, token_response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_fieldnation.api.auth import FieldNationAuthenticator
    from tap_fieldnation.api.clock import Clock
    from tap_fieldnation.api.transport import Response, Transport

GOOD = response(200, {"a": 1})
SECRETS = ("the-client-id", "the+client/secret=", "the-user", "the pass&word")


def make_authenticator(
    transport: Transport, clock: Clock | None = None, *, username: str | None = None, password: str | None = None
) -> FieldNationAuthenticator:
    return make_api(transport, clock, username=username, password=password).authenticator


def test_client_credentials_are_sent_as_documented() -> None:
    transport = FakeTransport()
    make_authenticator(transport).token()
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


def test_the_password_grant_is_sent_as_documented() -> None:
    transport = FakeTransport()
    make_authenticator(transport, username="the-user", password="the pass&word").token()
    assert transport.posts == [
        (
            "/authentication/api/oauth/token",
            {
                "grant_type": "password",
                "client_id": "the-client-id",
                "client_secret": "the+client/secret=",
                "username": "the-user",
                "password": "the pass&word",
            },
        )
    ]


def test_threads_share_one_token_request() -> None:
    threads = 16
    requested, go = threading.Semaphore(0), threading.Event()

    class Slow(FakeTransport):
        @override
        def post(self, path: str, body: Mapping[str, str], on_send: Callable[[], None] = lambda: None) -> Response:
            requested.release()
            assert go.wait(10)
            return token_response(f"token-{len(self.posts)}")

    authenticator = make_authenticator(Slow())
    tokens: list[str] = []
    workers = [threading.Thread(target=lambda: tokens.append(authenticator.token())) for _ in range(threads)]
    for worker in workers:
        worker.start()
    assert requested.acquire(timeout=10)
    go.set()
    for worker in workers:
        worker.join(10)
    assert tokens == ["token-0"] * threads
    assert not requested.acquire(blocking=False)


@pytest.mark.parametrize(
    ("expires_in", "used_for"),
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
def test_the_token_is_renewed_a_minute_before_it_expires_or_after_half_a_short_lifetime(
    expires_in: object, used_for: float
) -> None:
    clock = FakeClock()
    transport = FakeTransport([], [token_response("old", expires_in=expires_in), token_response("new")])
    authenticator = make_authenticator(transport, clock)
    start = clock.monotonic()
    assert authenticator.token() == "old"
    clock.advance(start + used_for - clock.monotonic() - 0.01)
    assert authenticator.token() == "old"
    clock.advance(0.02)
    assert authenticator.token() == "new"
    assert len(transport.posts) == 2


def test_without_expires_in_the_lifetime_is_an_hour() -> None:
    clock = FakeClock()
    transport = FakeTransport([], [response(200, {"access_token": "old"}), token_response("new")])
    authenticator = make_authenticator(transport, clock)
    assert authenticator.token() == "old"
    clock.advance(3539)
    assert authenticator.token() == "old"
    clock.advance(1)
    assert authenticator.token() == "new"


def test_the_lifetime_starts_when_the_token_is_requested() -> None:
    clock = FakeClock()
    transport = FakeTransport([], [response(429, Retry_After="100"), token_response("old"), token_response("new")])
    authenticator = make_authenticator(transport, clock)
    start = clock.monotonic()
    authenticator.token()
    assert clock.monotonic() - start >= 100
    clock.advance(3600 - 61 - (clock.monotonic() - start))
    assert authenticator.token() == "old"
    clock.advance(101)
    assert authenticator.token() == "new"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3))
def test_a_token_is_used_whatever_expires_in_is(expires_in: object) -> None:
    transport = FakeTransport([GOOD], [token_response("token-1", expires_in=expires_in)])
    make_client(transport).get("/x", {})
    assert [token for *_, token in transport.gets] == ["token-1"]


@pytest.mark.parametrize(
    "failure", [response(500), response(503), response(408), response(429), NoResponse(), response(200, b"<")]
)
def test_a_transient_failure_of_the_token_endpoint_is_retried(failure: Response | NoResponse) -> None:
    transport = FakeTransport([], [failure, failure, token_response()])
    assert make_authenticator(transport).token() == "token-1"
    assert len(transport.posts) == 3


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 405, 422])
def test_a_rejection_is_not_retried(status: int) -> None:
    clock = FakeClock()
    transport = FakeTransport([GOOD], [response(status, {"error": "x", "error_description": "why"})])
    with pytest.raises(TapError, match="why"):
        make_client(transport, clock).get("/x", {})
    assert len(transport.posts) == 1
    assert transport.gets == []


GRANT = "set username and password for the password grant, or ask Field Nation to enable it"
CORRECT = "are correct, have no spaces around them and belong to this environment"
CHECK = f"check that client_id and client_secret {CORRECT}"
CHECK_ALL = f"check that client_id, client_secret, username and password {CORRECT}"
REJECTIONS = {
    "wrong id or secret": (response(401, {"error": "invalid_client", "error_description": "no"}), CHECK, CHECK_ALL),
    "wrong id or secret, as 400": (response(400, {"error": "invalid_client"}), CHECK, CHECK_ALL),
    "wrong environment": (response(404, {"status_code": 404, "message": "no"}), CHECK, CHECK_ALL),
    "wrong user or password": (response(400, {"error": "invalid_grant"}), CHECK, CHECK_ALL),
    "wrong grant type": (
        response(400, {"error": "unsupported_grant_type", "error_description": "no"}),
        GRANT,
        "ask Field Nation to enable it",
    ),
    "grant not enabled": (response(401, {"error": "unauthorized_client"}), GRANT, "ask Field Nation to enable it"),
    "grant not enabled, in the message only": (
        response(400, {"message": "Invalid Grant type"}),
        GRANT,
        "ask Field Nation to enable it",
    ),
    "wrong scope": (response(400, {"error": "invalid_scope"}), GRANT, "ask Field Nation to enable it"),
    "HTML": (response(403, b"<html>Forbidden</html>"), CHECK, CHECK_ALL),
    "no body": (response(400, b""), CHECK, CHECK_ALL),
}


@pytest.mark.parametrize("with_user", [False, True])
@pytest.mark.parametrize(("rejection", "client_advice", "password_advice"), REJECTIONS.values(), ids=REJECTIONS)
def test_an_error_names_the_settings_to_check_and_the_environment_but_no_secret(
    rejection: Response, client_advice: str, password_advice: str, *, with_user: bool
) -> None:
    username, password = SECRETS[2:] if with_user else (None, None)
    with pytest.raises(CredentialsError) as caught:
        make_authenticator(FakeTransport([], [rejection]), username=username, password=password).token()
    sentence = str(caught.value)
    assert (password_advice if with_user else client_advice) in sentence
    assert "(sandbox)" in sentence
    assert f"HTTP {rejection.status}" in sentence
    assert sentence.endswith(".")
    assert not any(secret in sentence for secret in SECRETS)


def test_credentials_that_the_server_repeats_are_masked() -> None:
    echo = response(401, {"error": "invalid_client", "error_description": f"unknown: {' '.join(SECRETS)} (all of it)"})
    authenticator = make_authenticator(FakeTransport([], [echo]), username=SECRETS[2], password=SECRETS[3])
    with pytest.raises(CredentialsError) as caught:
        authenticator.token()
    assert f"unknown: {MASK} {MASK} {MASK} {MASK} (all of it)" in str(caught.value)


def test_credentials_and_tokens_are_registered_as_secrets() -> None:
    transport = FakeTransport([], [token_response("the-token/1", refresh_token="the-refresh/1")])
    make_authenticator(transport, username=SECRETS[2], password=SECRETS[3]).token()
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
def test_a_response_without_a_usable_token_is_an_error(body: object) -> None:
    transport = FakeTransport([], [response(200, body)])
    with pytest.raises(ApiError, match=f"{TOKEN_PATH} .*no access_token.*check api_url, environment"):
        make_authenticator(transport).token()
    assert len(transport.posts) == 1


def test_after_a_failure_the_next_request_requests_a_token_again() -> None:
    transport = FakeTransport([GOOD], [response(401), token_response()])
    client = make_client(transport)
    with pytest.raises(CredentialsError):
        client.get("/x", {})
    client.get("/x", {})
    assert len(transport.posts) == 2


def test_the_log_has_the_lifetime_of_a_token_but_not_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    make_authenticator(FakeTransport([], [token_response("the-token")])).token()
    assert "expires in 3600 s" in caplog.text
    assert "the-token" not in caplog.text


def test_str_and_repr_contain_no_secret() -> None:
    api = make_api(FakeTransport([], [token_response("the-token")]), username=SECRETS[2], password=SECRETS[3])
    api.authenticator.token()
    for text in (*map(repr, api), *map(str, api)):
        assert not any(secret in text for secret in (*SECRETS, "the-token"))
