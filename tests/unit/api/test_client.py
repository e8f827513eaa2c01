"""GET with an access token: renewed once for all threads when it is rejected; failures are not retried twice."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from tap_fieldnation.api.errors import ApiError, CredentialsError
from tests.fakes import FakeClock, FakeTransport, NoResponse, Outcome, make_api, make_client, response, token_response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_fieldnation.api.transport import Response

GOOD = response(200, {"a": 1})
EXPIRED = response(401, {"error": "invalid_token", "error_description": "The access token expired"})


def test_a_path_is_below_the_root_of_the_api() -> None:
    clock = FakeClock()
    transport = FakeTransport([GOOD])
    body, received_at = make_client(transport, clock).get("/x", {"page": 1})
    assert body == {"a": 1}
    assert received_at == clock.utc_now()
    assert transport.gets == [("/api/rest/v2/x", {"page": 1}, "token-1")]


def test_every_request_is_counted_and_rate_limited() -> None:
    transport = FakeTransport(
        [response(500), EXPIRED, GOOD], [token_response(), response(503), token_response("token-2")]
    )
    requester, _, client = make_api(transport)
    client.get("/x", {})
    assert requester.requests == len(transport.gets) + len(transport.posts) == 3 + 3
    assert requester.requests == requester.rate_limiter.sent
    assert requester.retries == 2


@pytest.mark.parametrize("rejection", [EXPIRED, response(400, {"status": 400, "message": "Expired token"})])
def test_a_rejected_token_is_renewed_once(rejection: Response) -> None:
    transport = FakeTransport([rejection, GOOD], [token_response("token-1"), token_response("token-2")])
    body, _ = make_client(transport).get("/x", {})
    assert body == {"a": 1}
    assert [token for *_, token in transport.gets] == ["token-1", "token-2"]
    assert len(transport.posts) == 2


def test_a_token_that_another_thread_has_renewed_is_not_renewed_again() -> None:
    transport = FakeTransport([EXPIRED, GOOD], [token_response("token-1"), token_response("token-2")])
    authenticator = make_api(transport).authenticator
    old = authenticator.token()
    assert authenticator.renew(old) == authenticator.renew(old) == authenticator.token() == "token-2"
    assert len(transport.posts) == 2


def test_threads_whose_token_is_rejected_at_the_same_time_request_one_token() -> None:
    threads = 8
    all_sent = threading.Barrier(threads)

    class Simultaneous(FakeTransport):
        @override
        def get(
            self, path: str, params: Mapping[str, object], token: str, on_send: Callable[[], None] = lambda: None
        ) -> Response:
            if token == "token-1":
                all_sent.wait(10)
                return EXPIRED
            return GOOD

    transport = Simultaneous([GOOD], [token_response("token-1"), token_response("token-2"), response(500)])
    client = make_client(transport)
    results: list[object] = []
    workers = [threading.Thread(target=lambda: results.append(client.get("/x", {})[0])) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert results == [{"a": 1}] * threads
    assert len(transport.posts) == 2


def test_a_new_token_that_is_rejected_too_ends_the_run() -> None:
    transport = FakeTransport([EXPIRED])
    with pytest.raises(CredentialsError, match=r"HTTP 401 .*expired.*a new token is rejected as expired too"):
        make_client(transport).get("/x", {})
    assert len(transport.gets) == 2
    assert len(transport.posts) == 2


def test_a_failure_after_the_renewal_is_retried_with_the_new_token() -> None:
    transport = FakeTransport([EXPIRED, response(502), GOOD], [token_response("token-1"), token_response("token-2")])
    make_client(transport).get("/x", {})
    assert [token for *_, token in transport.gets] == ["token-1", "token-2", "token-2"]
    assert len(transport.posts) == 2


def test_a_token_can_expire_between_two_attempts() -> None:
    clock = FakeClock()
    transport = FakeTransport(
        [response(503, Retry_After="200"), GOOD], [token_response("token-1", expires_in=240), token_response("token-2")]
    )
    make_client(transport, clock).get("/x", {})
    assert [token for *_, token in transport.gets] == ["token-1", "token-2"]


@pytest.mark.parametrize("failure", [response(500), response(429), NoResponse(), response(200, b"<html>")])
def test_retries_of_a_token_request_are_limited_and_not_repeated_by_the_client(failure: Outcome) -> None:
    transport = FakeTransport([GOOD], [failure])
    with pytest.raises(ApiError):
        make_client(transport, max_retries=3).get("/x", {})
    assert len(transport.posts) == 4
    assert transport.gets == []
