"""Single requests: which failures are retried, after how long and how often, and what response headers change."""

from __future__ import annotations

import logging
import threading
from bisect import bisect_right
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from tap_fieldnation.api.errors import Action, ApiError, DeadlineExceeded
from tap_fieldnation.api.requester import _retry_delays
from tests.fakes import NOON, FakeClock, FakeTransport, NoResponse, Outcome, SharedClock, make_api, response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_fieldnation.api.clock import Clock
    from tap_fieldnation.api.requester import Requester
    from tap_fieldnation.api.transport import Response

GOOD = response(200, {"a": 1})


def make_requester(
    transport: FakeTransport, clock: Clock | None = None, *, max_retries: int = 6, per_minute: float = 6_000.0
) -> Requester:
    return make_api(transport, clock, max_retries=max_retries, per_minute=per_minute).requester


def get(requester: Requester, stream: str = "") -> object:
    """The body of a response, with retries."""
    body, _ = requester.retry(lambda: requester.get("/x", {}, "token-1", stream=stream))
    return body


def test_a_response_is_decoded_and_dated() -> None:
    clock = FakeClock()
    transport = FakeTransport([response(200, rb'{"a": ["b\u0000c", 1.5]}')])
    body, received_at = make_requester(transport, clock).get("/x", {"page": 1}, "token-1")
    assert body == {"a": ["bc", 1.5]}
    assert received_at == clock.utc_now()
    assert transport.gets == [("/x", {"page": 1}, "token-1")]


@pytest.mark.parametrize(
    "failure",
    [
        *(response(status) for status in (408, 500, 502, 503, 504, 599)),
        NoResponse(),
        response(200, b""),
        response(200, b"<html>Welcome</html>"),
        response(200, b'{"results": [{"id"'),
        response(204, b""),
    ],
    ids=lambda failure: f"{getattr(failure, 'status', '')} {getattr(failure, 'body', b'').decode()[:12]}",
)
def test_transient_failures_are_retried_with_exponential_backoff(failure: Outcome) -> None:
    clock = FakeClock()
    requester = make_requester(FakeTransport([*[failure] * 6, GOOD]), clock)
    assert get(requester) == {"a": 1}
    waits = [seconds for seconds in clock.slept if seconds > 0.5]
    assert len(waits) == requester.retries == 6
    for seconds, expected in zip(waits, [1, 2, 4, 8, 16, 32], strict=True):
        assert expected <= seconds <= expected + 1


def test_the_backoff_grows_to_a_minute_plus_jitter() -> None:
    clock = FakeClock()
    with pytest.raises(ApiError):
        get(make_requester(FakeTransport([response(500)]), clock, max_retries=12))
    waits = [seconds for seconds in clock.slept if seconds > 0.5]
    assert len(waits) == 12
    assert all(60 <= seconds <= 61 for seconds in waits[6:])


def test_jitter_spreads_the_retries_of_several_threads() -> None:
    first = []
    for _ in range(50):
        error = ApiError("/x", 500, "")
        delays = _retry_delays()
        next(delays)
        assert delays.send(error) == 0
        first.append(error.retry_in)
    assert all(1 <= seconds <= 2 for seconds in first)
    assert len(set(first)) > 40


@pytest.mark.parametrize("max_retries", [0, 1, 6])
@pytest.mark.parametrize(
    "failure", [response(500, {"detail": "why"}), response(429, {"detail": "why"}), NoResponse("why")]
)
def test_the_number_of_retries_is_limited(max_retries: int, failure: Outcome) -> None:
    transport = FakeTransport([failure])
    requester = make_requester(transport, max_retries=max_retries)
    with pytest.raises(ApiError, match="why") as caught:
        get(requester)
    assert len(transport.gets) == max_retries + 1
    assert requester.retries == max_retries
    assert caught.value.rule.action is Action.FAIL


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 402, 403, 404, 405, 414, 422])
def test_other_failures_are_not_retried(status: int) -> None:
    clock = FakeClock()
    transport = FakeTransport([response(status, {"detail": "why", "correlationId": "c-7"})])
    with pytest.raises(ApiError, match=f"/x returned HTTP {status} .*why; correlation id c-7") as caught:
        get(make_requester(transport, clock))
    assert caught.value.status == status
    assert len(transport.gets) == 1
    assert sum(clock.slept) < 0.1


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<html>why</html>", b"[" * 100_000, b"null", b'"x"', b"[1]"])
@pytest.mark.parametrize("status", [400, 404, 422])
def test_an_error_can_have_any_body(status: int, body: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        get(make_requester(FakeTransport([response(status, body)])))
    assert caught.value.status == status
    assert len(str(caught.value)) < 600


LATER = format_datetime(NOON + timedelta(seconds=120), usegmt=True)
SERVER_NOW = format_datetime(NOON - timedelta(hours=5), usegmt=True)
SERVER_LATER = format_datetime(NOON - timedelta(hours=5) + timedelta(seconds=90), usegmt=True)

WAITS = {
    "seconds": (response(429, Retry_After="17"), 17),
    "a fraction of a second": (response(429, Retry_After="2.5"), 2.5),
    "an HTTP date": (response(429, Retry_After=LATER), 120),
    "an HTTP date by the server's clock": (response(429, Retry_After=SERVER_LATER, Date=SERVER_NOW), 90),
    "an HTTP date without a zone": (response(429, Retry_After=LATER.replace("GMT", "-0000")), 120),
    "an invalid date": (response(429, Retry_After="Wed, 99 Oct 2015 07:28:00 GMT"), 60),
    "the year 9999": (response(429, Retry_After="Fri, 31 Dec 9999 23:59:59 GMT"), 300),
    "no header": (response(429), 60),
    "an empty header": (response(429, Retry_After=" "), 60),
    "a word": (response(429, Retry_After="soon"), 60),
    "a negative time": (response(429, Retry_After="-5"), 60),
    "not a number": (response(429, Retry_After="nan"), 60),
    "a day": (response(429, Retry_After="86400"), 300),
    "infinity": (response(429, Retry_After="inf"), 300),
    "a body of 2025": (response(429, {"error": {"code": "RateLimitExceeded", "message": "m", "retry_after": 33}}), 33),
    "a body of 2026": (response(429, {"detail": "d", "agent": {"action": "RETRY", "backoffMs": 12_500}}), 12.5),
    "a body with a day": (response(429, {"agent": {"backoffMs": 86_400_000}}), 300),
    "a body with a huge number": (response(429, {"error": {"retry_after": 10**400}}), 300),
    "a body with a huge number of milliseconds": (response(429, {"agent": {"backoffMs": 10**400}}), 300),
    "a body with text": (response(429, {"error": {"retry_after": "60"}, "agent": {"backoffMs": "1"}}), 60),
    "the header wins over the body": (response(429, {"agent": {"backoffMs": 5_000}}, Retry_After="7"), 7),
    "the body if the header is invalid": (response(429, {"agent": {"backoffMs": 5_000}}, Retry_After="soon"), 5),
    "a list": (response(429, [1]), 60),
    "HTML": (response(429, b"<html>"), 60),
}


@pytest.mark.parametrize(("limited", "seconds"), WAITS.values(), ids=WAITS)
def test_429_is_retried_after_the_demanded_wait(limited: Response, seconds: float) -> None:
    clock = FakeClock()
    requester = make_requester(FakeTransport([limited, GOOD]), clock)
    start = clock.monotonic()
    get(requester)
    assert clock.monotonic() - start == pytest.approx(seconds, abs=0.1)
    assert requester.retries == 1


NO_WAITS = {
    "zero": response(429, Retry_After="0"),
    "nearly zero": response(429, Retry_After="0.001"),
    "an HTTP date in the past": response(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
    "a body with a negative time": response(429, {"error": {"retry_after": -1}}),
    "a body with zero": response(429, {"agent": {"backoffMs": 0}}),
}


@pytest.mark.parametrize("limited", NO_WAITS.values(), ids=NO_WAITS)
def test_429_without_a_usable_wait_is_retried_with_exponential_backoff(limited: Response) -> None:
    clock = FakeClock()
    transport = FakeTransport([limited])
    with pytest.raises(ApiError):
        get(make_requester(transport, clock))
    assert len(transport.gets) == 7
    waits = [wait for wait in clock.slept if wait > 0.5]
    assert all(least <= wait <= least + 1.1 for wait, least in zip(waits, (1, 2, 4, 8, 16, 32), strict=True))


def test_429_makes_all_threads_wait() -> None:
    threads = 3
    clock = SharedClock(threads)
    times: list[float] = []

    class Timed(FakeTransport):
        @override
        def get(
            self, path: str, params: Mapping[str, object], token: str, on_send: Callable[[], None] = lambda: None
        ) -> Response:
            times.append(clock.monotonic())
            return super().get(path, params, token, on_send)

    requester = make_requester(Timed([response(429, Retry_After="40"), GOOD]), clock, per_minute=60)

    def work() -> None:
        with clock.participate():
            get(requester)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    first, *others = times
    assert len(others) == threads
    assert min(others) - first == pytest.approx(40, abs=0.1)


@pytest.mark.parametrize(
    ("header", "body", "least"),
    [("20", None, 20), ("0", None, 1), ("86400", None, 300), (None, {"agent": {"backoffMs": 5_000}}, 5)],
)
def test_other_failures_are_retried_no_earlier_than_demanded(header: str | None, body: object, least: float) -> None:
    clock = FakeClock()
    headers = {"Retry_After": header} if header else {}
    get(make_requester(FakeTransport([response(503, body, **headers), GOOD]), clock))
    assert least <= max(clock.slept) <= least + 1


def test_a_retry_is_logged_with_its_cause_and_delay(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    get(make_requester(FakeTransport([response(503, {"detail": "why"}, Retry_After="20"), GOOD])))
    [message] = [record.getMessage() for record in caplog.records]
    assert message == "/x returned HTTP 503 (why). Retrying in 20 s."


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "it is empty"),
        (b" \r\n", "it is empty"),
        (b"\n<!DOCTYPE html><title>Back soon</title>", "it is an HTML page"),
        (b"<html lang='en'>", "it is an HTML page"),
        (b'{"results": [', "unexpected end|Expecting value|truncated"),
    ],
)
def test_an_error_says_what_the_body_is_instead_of_json(body: bytes, words: str) -> None:
    with pytest.raises(ApiError, match=rf"\(the body is not valid JSON: .*({words})"):
        get(make_requester(FakeTransport([response(200, body)]), max_retries=0))


def test_the_log_line_of_a_retry_names_the_stream(caplog: pytest.LogCaptureFixture) -> None:
    get(make_requester(FakeTransport([response(502, b""), NoResponse(), GOOD])), "clients")
    [first, second] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert first.startswith("clients: /x returned HTTP 502. Retrying in ")
    assert second.startswith("clients: /x could not be read (the response timed out). Retrying in ")


@pytest.mark.parametrize(
    ("headers", "limit"),
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
def test_headers_can_reduce_the_rate_limit_but_not_raise_it(status: int, headers: dict[str, str], limit: float) -> None:
    transport = FakeTransport([response(status, {"a": 1}, **headers), GOOD])
    requester = make_requester(transport, per_minute=50)
    get(requester)
    assert requester.rate_limiter.per_minute == limit


def test_a_limit_of_the_api_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    requester = make_requester(FakeTransport([response(200, {}, X_RateLimit_Limit="1")]), per_minute=50)
    for _ in range(3):
        get(requester)
    assert [record.getMessage() for record in caplog.records] == [
        "The API allows 1 requests a minute (header x-ratelimit-limit): that limit is used instead of 50."
    ]


def at(moment: datetime) -> Response:
    """A response with this date."""
    return response(200, {}, Date=format_datetime(moment, usegmt=True))


@pytest.mark.parametrize(
    "date",
    [
        datetime(1970, 1, 1, tzinfo=timezone.utc),
        datetime(2023, 5, 5, tzinfo=timezone.utc),
        NOON - timedelta(days=1, minutes=1),
        NOON + timedelta(days=1, minutes=1),
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc),
        datetime(1, 1, 1, tzinfo=timezone.utc),
    ],
)
def test_an_absurd_date_is_ignored_and_told_of_once(date: datetime, caplog: pytest.LogCaptureFixture) -> None:
    requester = make_requester(FakeTransport([at(NOON - timedelta(minutes=5)), at(date)]))
    for _ in range(3):
        get(requester)
    assert timedelta(minutes=5) <= requester.clock_ahead < timedelta(minutes=6)
    [message] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert message.startswith(f"The API's clock says {date:%Y}" if date.year > 999 else "The API's clock says ")
    assert message.endswith("which is ignored. If it is right, correct this machine's clock.")


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359"])
@pytest.mark.parametrize("header", ["date", "retry_after"])
def test_a_date_that_is_out_of_range_in_utc_is_no_date(date: str, header: str) -> None:
    requester = make_requester(FakeTransport([response(503, {}, **{header: date}), response(200, {})]))
    requester.retry(lambda: get(requester))
    assert requester.retries == 1


@pytest.mark.parametrize("hours", [-23, 0, 3, 23])
def test_a_difference_of_the_clocks_of_up_to_a_day_counts(hours: int, caplog: pytest.LogCaptureFixture) -> None:
    requester = make_requester(FakeTransport([at(NOON - timedelta(hours=hours))]))
    get(requester)
    ahead = max(timedelta(), timedelta(hours=hours))
    assert ahead <= requester.clock_ahead < ahead + timedelta(minutes=1)
    assert not caplog.records


class Connecting(FakeTransport):
    """Opens a connection for 0 to 9 s before it sends, and notes when each request arrives."""

    def __init__(self, clock: Clock, *, fails: bool = False) -> None:
        super().__init__([GOOD])
        self._clock, self._fails = clock, fails
        self.arrived: list[float] = []

    @override
    def get(
        self, path: str, params: Mapping[str, object], token: str, on_send: Callable[[], None] = lambda: None
    ) -> Response:
        self._clock.sleep(len(self.arrived) * 7 % 10 * 0.99)
        if self._fails and len(self.arrived) % 5 == 0:
            self.arrived.append(float("-inf"))
            raise ApiError(path, None, "the connection was refused")
        on_send()
        self.arrived.append(self._clock.monotonic())
        return GOOD


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("per_minute", [7, 60, 240])
def test_no_minute_has_too_many_requests_however_long_connections_take(per_minute: float, *, fails: bool) -> None:
    threads = 16
    clock = SharedClock(threads)
    transport = Connecting(clock, fails=fails)
    requester = make_requester(transport, clock, per_minute=per_minute)
    end = clock.monotonic() + 10 * 60

    def work() -> None:
        with clock.participate():
            while clock.monotonic() < end:
                get(requester)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert not worker.is_alive()
    times = sorted(time for time in transport.arrived if time > 0)
    most = max(bisect_right(times, start + 60.0) - index for index, start in enumerate(times))
    assert most <= per_minute
    assert requester.requests == len(times)
    possible = min(per_minute, threads * 60 / (4.5 + (1 if fails else 0)))
    assert len(times) >= 0.75 * possible * 10


@given(st.dictionaries(st.sampled_from(["retry-after", "date", "x-ratelimit-limit"]), st.text(max_size=30)))
def test_unusual_headers_do_not_fail_the_run(headers: dict[str, str]) -> None:
    get(make_requester(FakeTransport([response(429, b"", **headers), GOOD])))


@pytest.mark.parametrize("failure", [response(429, Retry_After="120"), response(503, Retry_After="120")])
def test_a_wait_beyond_the_deadline_is_not_started(failure: Outcome) -> None:
    clock = FakeClock(100.0)
    start = clock.monotonic()
    transport = FakeTransport([failure])
    with pytest.raises(DeadlineExceeded):
        get(make_requester(transport, clock))
    assert clock.monotonic() - start < 1
    assert len(transport.gets) == 1


def test_after_the_deadline_no_request_is_sent() -> None:
    clock = FakeClock(100)
    transport = FakeTransport([GOOD])
    requester = make_requester(transport, clock)
    get(requester)
    clock.advance(100)
    with pytest.raises(DeadlineExceeded):
        get(requester)
    assert len(transport.gets) == 1
