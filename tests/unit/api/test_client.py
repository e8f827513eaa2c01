"""GET and decode: which answers are tried again, after how long, how often, and with which token."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from tap_fieldnation.api.client import Client
from tap_fieldnation.api.errors import Action, ApiError, CredentialsError, DeadlineExceeded
from tests.fakes import NOON, FakeClock, FakeTransport, Lost, Outcome, answer, make_client, token_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_fieldnation.api.transport import Response

GOOD = answer(200, {"a": 1})
EXPIRED = answer(401, {"error": "invalid_token", "error_description": "The access token expired"})


def test_a_good_answer_is_decoded_and_dated() -> None:
    clock = FakeClock()
    transport = FakeTransport([answer(200, rb'{"a": ["b\u0000c", 1.5]}')])
    body, received_at = make_client(transport, clock).get("/x", {"page": 1})
    assert body == {"a": ["bc", 1.5]}
    assert received_at == clock.utc_now()
    assert transport.gets == [("/api/rest/v2/x", {"page": 1}, "token-1")]


def test_every_request_is_counted_and_paced() -> None:
    clock = FakeClock()
    transport = FakeTransport([answer(500), EXPIRED, GOOD], [token_answer(), answer(503), token_answer("token-2")])
    client = make_client(transport, clock)
    client.get("/x", {})
    assert client.requests == len(transport.gets) + len(transport.posts) == 3 + 3
    assert client.requests == client.budget.spent
    assert client.retries == 2


@pytest.mark.parametrize(
    "failure",
    [
        *(answer(status) for status in (408, 500, 502, 503, 504, 599)),
        Lost(),
        answer(200, b""),
        answer(200, b"<html>Welcome</html>"),
        answer(200, b'{"results": [{"id"'),
        answer(204, b""),
    ],
    ids=lambda failure: f"{getattr(failure, 'status', '')} {getattr(failure, 'body', b'').decode()[:12]}",
)
def test_passing_trouble_is_waited_out_longer_each_time(failure: Outcome) -> None:
    clock = FakeClock()
    client = make_client(FakeTransport([*[failure] * 6, GOOD]), clock)
    body, _ = client.get("/x", {})
    assert body == {"a": 1}
    waits = [seconds for seconds in clock.slept if seconds > 0.5]
    assert len(waits) == client.retries == 6
    for seconds, due in zip(waits, [1, 2, 4, 8, 16, 32], strict=True):
        assert due <= seconds <= due + 1


def test_no_wait_of_that_kind_is_longer_than_a_minute_and_the_jitter() -> None:
    clock = FakeClock()
    with pytest.raises(ApiError):
        make_client(FakeTransport([answer(500)]), clock, max_retries=12).get("/x", {})
    waits = [seconds for seconds in clock.slept if seconds > 0.5]
    assert len(waits) == 12
    assert all(60 <= seconds <= 61 for seconds in waits[6:])


def test_waits_differ_so_that_threads_do_not_come_back_in_step() -> None:
    first = [next(Client._waits()) for _ in range(50)]
    assert all(1 <= seconds <= 2 for seconds in first)
    assert len(set(first)) > 40


@pytest.mark.parametrize("max_retries", [0, 1, 6])
@pytest.mark.parametrize("failure", [answer(500, {"detail": "why"}), answer(429, {"detail": "why"}), Lost("why")])
def test_tries_end(max_retries: int, failure: Outcome) -> None:
    transport = FakeTransport([failure])
    client = make_client(transport, max_retries=max_retries)
    with pytest.raises(ApiError, match="why") as caught:
        client.get("/x", {})
    assert len(transport.gets) == max_retries + 1
    assert client.retries == max_retries
    assert caught.value.rule.action is Action.FAIL


@pytest.mark.parametrize("failure", [answer(500), answer(429), Lost(), answer(200, b"<html>")])
def test_tries_for_a_token_end_too_and_are_not_made_again_for_each_request(failure: Outcome) -> None:
    transport = FakeTransport([GOOD], [failure])
    with pytest.raises(ApiError):
        make_client(transport, max_retries=3).get("/x", {})
    assert len(transport.posts) == 4
    assert transport.gets == []


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 402, 403, 404, 405, 414, 422])
def test_what_no_retry_can_help_is_told_at_once(status: int) -> None:
    clock = FakeClock()
    transport = FakeTransport([answer(status, {"detail": "why", "correlationId": "c-7"})])
    with pytest.raises(ApiError, match=f"/api/rest/v2/x .*HTTP {status} .*why; correlation id c-7") as caught:
        make_client(transport, clock).get("/x", {})
    assert caught.value.status == status
    assert len(transport.gets) == 1
    assert sum(clock.slept) < 0.1


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<html>why</html>", b"[" * 100_000, b"null", b'"x"', b"[1]"])
@pytest.mark.parametrize("status", [400, 404, 422])
def test_an_error_may_have_any_body(status: int, body: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        make_client(FakeTransport([answer(status, body)])).get("/x", {})
    assert caught.value.status == status
    assert len(str(caught.value)) < 600


LATER = format_datetime(NOON + timedelta(seconds=120), usegmt=True)
SERVER_NOW = format_datetime(NOON - timedelta(hours=5), usegmt=True)
SERVER_LATER = format_datetime(NOON - timedelta(hours=5) + timedelta(seconds=90), usegmt=True)

WAITS = {
    "seconds": (answer(429, Retry_After="17"), 17),
    "a fraction of a second": (answer(429, Retry_After="2.5"), 2.5),
    "an HTTP date": (answer(429, Retry_After=LATER), 120),
    "an HTTP date by the server's clock": (answer(429, Retry_After=SERVER_LATER, Date=SERVER_NOW), 90),
    "an HTTP date without a zone": (answer(429, Retry_After=LATER.replace("GMT", "-0000")), 120),
    "a date that is none": (answer(429, Retry_After="Wed, 99 Oct 2015 07:28:00 GMT"), 60),
    "the year 9999": (answer(429, Retry_After="Fri, 31 Dec 9999 23:59:59 GMT"), 300),
    "nothing": (answer(429), 60),
    "an empty header": (answer(429, Retry_After=" "), 60),
    "a word": (answer(429, Retry_After="soon"), 60),
    "a negative time": (answer(429, Retry_After="-5"), 60),
    "no number": (answer(429, Retry_After="nan"), 60),
    "a day": (answer(429, Retry_After="86400"), 300),
    "for ever": (answer(429, Retry_After="inf"), 300),
    "a body of 2025": (answer(429, {"error": {"code": "RateLimitExceeded", "message": "m", "retry_after": 33}}), 33),
    "a body of 2026": (answer(429, {"detail": "d", "agent": {"action": "RETRY", "backoffMs": 12_500}}), 12.5),
    "a body with a day": (answer(429, {"agent": {"backoffMs": 86_400_000}}), 300),
    "a body with a huge number": (answer(429, {"error": {"retry_after": 10**400}}), 300),
    "a body with a huge number of milliseconds": (answer(429, {"agent": {"backoffMs": 10**400}}), 300),
    "a body with text": (answer(429, {"error": {"retry_after": "60"}, "agent": {"backoffMs": "1"}}), 60),
    "the header wins over the body": (answer(429, {"agent": {"backoffMs": 5_000}}, Retry_After="7"), 7),
    "the body where the header is no use": (answer(429, {"agent": {"backoffMs": 5_000}}, Retry_After="soon"), 5),
    "a list": (answer(429, [1]), 60),
    "HTML": (answer(429, b"<html>"), 60),
}


@pytest.mark.parametrize(("refusal", "seconds"), WAITS.values(), ids=WAITS)
def test_429_waits_as_long_as_it_asks_for(refusal: Response, seconds: float) -> None:
    clock = FakeClock()
    client = make_client(FakeTransport([refusal, GOOD]), clock)
    start = clock.monotonic()
    client.get("/x", {})
    assert clock.monotonic() - start == pytest.approx(seconds, abs=0.1)
    assert client.retries == 1


NO_WAITS = {
    "no time": answer(429, Retry_After="0"),
    "nearly no time": answer(429, Retry_After="0.001"),
    "an HTTP date of the past": answer(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
    "a body with a negative time": answer(429, {"error": {"retry_after": -1}}),
    "a body with no time": answer(429, {"agent": {"backoffMs": 0}}),
}


@pytest.mark.parametrize("refusal", NO_WAITS.values(), ids=NO_WAITS)
def test_429_that_asks_for_no_wait_waits_longer_each_time(refusal: Response) -> None:
    clock = FakeClock()
    transport = FakeTransport([refusal])
    with pytest.raises(ApiError):
        make_client(transport, clock).get("/x", {})
    assert len(transport.gets) == 7
    waits = [wait for wait in clock.slept if wait > 0.5]
    assert all(due <= wait <= due + 1.1 for wait, due in zip(waits, (1, 2, 4, 8, 16, 32), strict=True))


def test_429_holds_up_every_thread() -> None:
    clock = FakeClock()
    client = make_client(FakeTransport([answer(429, Retry_After="40"), GOOD]), clock, max_retries=0)
    with pytest.raises(ApiError):
        client.get("/x", {})
    client._wait(ApiError("/x", 429, "", wait=40.0), 1.0)
    start = clock.monotonic()
    client.get("/y", {})
    assert clock.monotonic() - start == pytest.approx(40, abs=0.1)


@pytest.mark.parametrize(
    ("header", "body", "least"),
    [("20", None, 20), ("0", None, 1), ("86400", None, 300), (None, {"agent": {"backoffMs": 5_000}}, 5)],
)
def test_other_trouble_waits_at_least_as_long_as_it_asks_for(header: str | None, body: object, least: float) -> None:
    clock = FakeClock()
    headers = {"Retry_After": header} if header else {}
    make_client(FakeTransport([answer(503, body, **headers), GOOD]), clock).get("/x", {})
    assert least <= max(clock.slept) <= least + 1


def test_the_log_says_what_is_waited_for_and_how_long(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    make_client(FakeTransport([answer(503, {"detail": "why"}, Retry_After="20"), GOOD])).get("/x", {})
    [message] = [record.getMessage() for record in caplog.records]
    assert message == "/api/rest/v2/x was answered with HTTP 503 (why). Trying again in 20 s."


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "it is empty"),
        (b" \r\n", "it is empty"),
        (b"\n<!DOCTYPE html><title>Back soon</title>", "it is a page of HTML"),
        (b"<html lang='en'>", "it is a page of HTML"),
        (b'{"results": [', "unexpected end|Expecting value|truncated"),
    ],
)
def test_a_body_that_is_no_json_is_told_by_its_kind(body: bytes, words: str) -> None:
    with pytest.raises(ApiError, match=rf"\(the body is not the JSON that was due: .*({words})"):
        make_client(FakeTransport([answer(200, body)]), max_retries=0).get("/x", {})


def test_the_stream_is_named_where_trying_again_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    make_client(FakeTransport([answer(502, b""), Lost(), GOOD])).get("/x", {}, stream="clients")
    [first, second] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert first.startswith("clients: /api/rest/v2/x was answered with HTTP 502. Trying again in ")
    assert second.startswith("clients: /api/rest/v2/x could not be read (the answer timed out). Trying again in ")


@pytest.mark.parametrize("refusal", [EXPIRED, answer(400, {"status": 400, "message": "Expired token"})])
def test_a_refused_token_is_renewed_once(refusal: Response) -> None:
    transport = FakeTransport([refusal, GOOD], [token_answer("token-1"), token_answer("token-2")])
    body, _ = make_client(transport).get("/x", {})
    assert body == {"a": 1}
    assert [token for *_, token in transport.gets] == ["token-1", "token-2"]
    assert len(transport.posts) == 2


def test_a_token_that_another_thread_has_renewed_is_not_renewed_again() -> None:
    transport = FakeTransport([EXPIRED, GOOD], [token_answer("token-1"), token_answer("token-2")])
    client = make_client(transport)
    authenticator = client.authenticator
    assert authenticator
    old = authenticator.token()
    assert authenticator.renew(old) == authenticator.renew(old) == authenticator.token() == "token-2"
    assert len(transport.posts) == 2


def test_threads_whose_token_is_refused_at_the_same_time_log_in_once() -> None:
    threads = 8
    all_sent = threading.Barrier(threads)

    class Together(FakeTransport):
        @override
        def get(self, path: str, params: Mapping[str, object], token: str) -> Response:
            if token == "token-1":
                all_sent.wait(10)
                return EXPIRED
            return GOOD

    transport = Together([GOOD], [token_answer("token-1"), token_answer("token-2"), answer(500)])
    client = make_client(transport)
    results: list[object] = []
    workers = [threading.Thread(target=lambda: results.append(client.get("/x", {})[0])) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert results == [{"a": 1}] * threads
    assert len(transport.posts) == 2


def test_a_token_that_is_refused_again_ends_the_run() -> None:
    transport = FakeTransport([EXPIRED])
    with pytest.raises(CredentialsError, match=r"HTTP 401 .*expired.*a new token counts as ended too"):
        make_client(transport).get("/x", {})
    assert len(transport.gets) == 2
    assert len(transport.posts) == 2


def test_trouble_after_the_renewal_is_retried_with_the_new_token() -> None:
    transport = FakeTransport([EXPIRED, answer(502), GOOD], [token_answer("token-1"), token_answer("token-2")])
    make_client(transport).get("/x", {})
    assert [token for *_, token in transport.gets] == ["token-1", "token-2", "token-2"]
    assert len(transport.posts) == 2


def test_a_token_may_end_between_two_tries() -> None:
    clock = FakeClock()
    transport = FakeTransport(
        [answer(503, Retry_After="200"), GOOD], [token_answer("token-1", expires_in=240), token_answer("token-2")]
    )
    make_client(transport, clock).get("/x", {})
    assert [token for *_, token in transport.gets] == ["token-1", "token-2"]


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"X-RateLimit-Limit": "30"}, 30),
        ({"X-Rate-Limit-Limit": "12"}, 12),
        ({"X-RateLimit-Limit": "30", "X-Rate-Limit-Limit": "20"}, 20),
        ({"X-RateLimit-Limit": "100"}, 50),
        ({"X-RateLimit-Limit": "0"}, 50),
        ({"X-RateLimit-Limit": "-1"}, 50),
        ({"X-RateLimit-Limit": "many"}, 50),
        ({"X-RateLimit-Limit": "²"}, 50),
        ({"X-RateLimit-Limit": ""}, 50),
        ({}, 50),
    ],
)
@pytest.mark.parametrize("status", [200, 500])
def test_headers_can_lower_the_budget_and_never_raise_it(status: int, headers: dict[str, str], allowed: float) -> None:
    transport = FakeTransport([answer(status, {"a": 1}, **headers), GOOD])
    client = make_client(transport, per_minute=50)
    client.get("/x", {})
    assert client.budget.per_minute == allowed


@given(st.dictionaries(st.sampled_from(["retry-after", "date", "x-ratelimit-limit"]), st.text(max_size=30)))
def test_no_header_is_so_odd_that_the_run_fails_of_it(headers: dict[str, str]) -> None:
    make_client(FakeTransport([answer(429, b"", **headers), GOOD])).get("/x", {})


@pytest.mark.parametrize(
    ("failure", "allowed"), [(answer(429, Retry_After="120"), 100.0), (answer(503, Retry_After="120"), 100.0)]
)
def test_no_wait_outlasts_the_time_allowed(failure: Outcome, allowed: float) -> None:
    clock = FakeClock(allowed)
    start = clock.monotonic()
    transport = FakeTransport([failure])
    with pytest.raises(DeadlineExceeded):
        make_client(transport, clock).get("/x", {})
    assert clock.monotonic() - start < 1
    assert len(transport.gets) == 1


def test_once_the_time_allowed_is_spent_nothing_more_is_sent() -> None:
    clock = FakeClock(100)
    transport = FakeTransport([GOOD])
    client = make_client(transport, clock)
    client.get("/x", {})
    clock.advance(100)
    with pytest.raises(DeadlineExceeded):
        client.get("/x", {})
    assert len(transport.gets) == 1
