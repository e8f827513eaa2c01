"""The table of faults: what goes wrong, where, and how the run ends.

`test_faults.py` runs the whole tap through each row; `docs/reliability.md` shows the table.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from enum import Enum

from emulator.errors import SHAPES


class Where(Enum):
    """The request that the fault affects."""

    TOKEN = "token"
    PROBE = "first"
    PAGE = "page"
    BY_ID = "by id"
    CHILD = "child"
    LIST = "list"


IN_WORDS = {
    Where.TOKEN: "the token endpoint",
    Where.PROBE: "the first request for work orders",
    Where.PAGE: "a page of history, while others are prefetched",
    Where.BY_ID: "open work orders by id, in an incremental run",
    Where.CHILD: "the messages of one work order",
    Where.LIST: "a list of company data (clients)",
}
ALL = tuple(Where)
DATA = ALL[1:]
WORK_ORDERS = (Where.PROBE, Where.PAGE, Where.BY_ID)


@dataclass(frozen=True)
class Case:
    """One row.

    Attributes:
        what: The fault, for people.
        do: Names of the emulator's faults.
        where: The requests that it affects, each in a run of its own.
        in_a_row: Whether all of `do` affect the same request, one after another; else each has a run of its own.
        for_ever: Whether the request never succeeds.
        options: Of the faults.
        settings: Of the tap.
        path: The path that is affected, if it is not that of `where`.
        says: For a failure, part of the sentence that stderr ends with; else of a line on stderr.
        fails: Whether the run ends with exit code 1.
        without: What the destination lacks though the run succeeds: "", "the record" or "the stream".
        requests: How many more than without the fault; for a failure, how often the emulator received the request.
            A pair (least, most) if that depends on what is in flight at the time.
        waits: Seconds of virtual time; None if that depends.
    """

    what: str
    do: tuple[str, ...]
    where: tuple[Where, ...] = ALL
    in_a_row: bool = False
    for_ever: bool = False
    options: t.Mapping[str, t.Any] = field(default_factory=dict)
    settings: t.Mapping[str, t.Any] = field(default_factory=dict)
    path: str = ""
    says: str = ""
    fails: bool = False
    without: str = ""
    requests: int | tuple[int, int] = 0
    waits: float | None = 0

    def runs(self) -> t.Iterator[tuple[Where, tuple[str, ...]]]:
        """The runs that show it: where, and by which faults."""
        for where in self.where:
            if self.in_a_row:
                yield where, self.do
            else:
                yield from ((where, (fault,)) for fault in self.do)


def _shapes(*statuses: int) -> tuple[str, ...]:
    return tuple(f"{status}-{shape}" for status in statuses for shape in SHAPES)


_TROUBLE = "the API keeps failing: check Field Nation's status page, and run again later (no data is lost)."
_ENDED = "a new token is rejected as expired too: run again later, and contact Field Nation if it persists."
_ALTERED = "a new token is rejected as invalid too: check whether a proxy alters it"
_BUG = "this looks like a bug in tap-fieldnation: please report it with this line."
_PERMISSION = "ask for permission for this API user, or deselect the stream."
_NOT_THERE = "check environment and api_url; if they are correct, this account has no such resource."
_REDIRECT = "redirects are not followed, to protect the token: check api_url."
_QUOTA = "the rate limit is shared with other integrations of this company: lower requests_per_minute"
_GARBLED = "a proxy or the server corrupts responses: check the proxy, and run again."
_NETWORK = "check the network and api_url, and run again (no data is lost)."
_BROKEN = ("reset-before", "reset-body", "cut-body", "cut-chunks")
_SPOILT = ("cut-json", "html", "gzip", "empty")
_IMPATIENT = {"request_timeout": 0.4, "max_retries": 1}

CASES = (
    # It passes.
    Case("500, 502, 503, 504 and 408, one after another", ("500", "502", "503", "504", "408"), in_a_row=True,
         says="Retrying in 5 s", requests=5, waits=5 + 5 + 5 + 8 + 16),
    *(Case(f"{status} in each documented body, one after another", _shapes(status), (Where.PAGE,), in_a_row=True,
           requests=6, waits=5 + 2 + 4 + 8 + 16 + 32) for status in (408, 500, 502, 503, 504)),
    Case("connection reset before or within the body, truncated body, truncated chunks, one after another",
         _BROKEN, in_a_row=True, says="the response was cut short", requests=4, waits=1 + 2 + 4 + 8),
    Case("truncated JSON, HTML with 200, invalid gzip, empty body, one after another", _SPOILT, in_a_row=True,
         says="the response could not be decompressed", requests=4, waits=1 + 2 + 4 + 8),
    Case("connection refused for 5 s", ("refused",), (Where.TOKEN, Where.PROBE, Where.LIST), options={"seconds": 5},
         says="the connection was refused", requests=1, waits=1 + 2 + 4),
    Case("connection refused for 5 s", ("refused",), (Where.PAGE, Where.BY_ID, Where.CHILD), options={"seconds": 5},
         says="the connection was refused", requests=(1, 5), waits=None),
    Case("no response within `request_timeout`", ("timeout",), (Where.TOKEN, Where.PAGE, Where.LIST),
         options={"seconds": 1}, settings=_IMPATIENT, says="the response timed out", requests=1, waits=1),
    Case("a slow body, complete after 20 s", ("drip",), options={"pieces": 20, "seconds": 1},
         waits=None),
    Case("a slow body, for more than five times `request_timeout`", ("drip",),
         (Where.PROBE, Where.PAGE, Where.LIST), options={"pieces": 100, "seconds": 20},
         says="the response was too slow", requests=1, waits=None),
    Case("slow headers, or interim responses without end, for more than five times `request_timeout`",
         ("drip-head", "interim-endless"), (Where.TOKEN, Where.PAGE, Where.LIST), options={"seconds": 20},
         says="the response was too slow", requests=1, waits=None),
    Case("an interim response (103) before the response", ("interim",)),
    Case("a wrong content type", ("content-type",)),
    Case("links and names that repeat the URL of the request, with the token", ("echo",),
         (Where.PAGE, Where.BY_ID, Where.LIST)),
    Case("terminal escapes, bidirectional characters and line breaks in an error", ("hostile",),
         (Where.TOKEN, Where.PAGE, Where.LIST), requests=1, waits=5,
         says=r"(\x1b[31mred \x1b]0;title\x07 \u202ereversed 2026-01-01 ERROR forged; correlation id 7 \x1b[31mred"),
    # The quota.
    Case("429, `Retry-After` in seconds", ("429-seconds",), options={"seconds": 7}, says="Retrying in 7 s",
         requests=1, waits=7),
    Case("429, `Retry-After` as a date", ("429-date",), (Where.TOKEN, Where.PAGE), options={"seconds": 90},
         says="Retrying in 90 s", requests=1, waits=90),
    Case("429 without `Retry-After`, or with words", ("429-none", "429-garbage"), (Where.PAGE,), requests=1, waits=60),
    Case("429, `Retry-After` negative", ("429-garbage",), (Where.PAGE,), options={"value": "-5"}, requests=1, waits=60),
    Case("429, `Retry-After` absurd", ("429-absurd",), (Where.TOKEN, Where.PAGE), requests=1, waits=300),
    Case("429, `Retry-After` infinite", ("429-absurd",), (Where.PAGE,), options={"value": "inf"}, requests=1,
         waits=300),
    Case("429 with the wait in its body", ("429-body", "429-agent"), (Where.PAGE,), requests=1, waits=60),
    Case("429 in each documented body, one after another", _shapes(429), (Where.PAGE,), in_a_row=True,
         requests=6, waits=6 * 60),
    # The token.
    Case("401 once", ("401",), DATA, says="The access token was rejected: requesting a new one", requests=2),
    Case("401 once, in each documented body", _shapes(401), (Where.PROBE,), requests=2),
    Case("400 that reports an expired token, once", ("400-expired", "400-oauth"), (Where.PROBE, Where.PAGE, Where.LIST),
         requests=2),
    Case("the token truncated or altered in transit, once", ("token-cut", "token-altered"), (Where.PAGE, Where.LIST),
         requests=2),
    Case("401 for one record", ("401",), (Where.CHILD,), for_ever=True, says="1 record could not be read",
         without="the record", requests=2),
    Case("`expires_in` missing, 0, negative, a string, words or null",
         ("token-no-expiry", "token-zero", "token-negative", "token-string", "token-words", "token-null"),
         (Where.TOKEN,)),
    # What the account may not read, or does not have.
    Case("403 or 404 in each documented body", _shapes(403, 404), (Where.LIST,), says="Not read: clients: ",
         without="the stream", requests=-2),  # those for inactive and deleted clients
    Case("403 or 404 for one record", ("403", "404"), (Where.CHILD,), says="1 record could not be read",
         without="the record"),
    Case("403 for every record", ("403",), (Where.CHILD,), for_ever=True, path="/workorders/*",
         says=f"Not read: work_order_messages: .*{_PERMISSION}", without="the stream", requests=(-20, 0)),
    Case("414", ("414",), (Where.BY_ID,), requests=(1, 30)),
    # Failures after retries.
    Case("503, permanently", ("503",), for_ever=True, says=f"HTTP 503 (.*correlation id .*{_TROUBLE}", fails=True,
         requests=7, waits=5 + 5 + 5 + 8 + 16 + 32),
    Case("429, permanently", ("429-seconds",), (Where.TOKEN, Where.PAGE, Where.LIST), for_ever=True,
         options={"seconds": 7}, says=_QUOTA, fails=True, requests=7, waits=6 * 7),
    Case("429 with `Retry-After: 0`, permanently", ("429-garbage",), (Where.PAGE,), for_ever=True,
         options={"value": "0"}, says=_QUOTA, fails=True, requests=7, waits=1 + 2 + 4 + 8 + 16 + 32),
    Case("connection reset, permanently", ("reset-before",), for_ever=True,
         says=f"could not be read (the connection .*{_NETWORK}", fails=True, requests=7,
         waits=1 + 2 + 4 + 8 + 16 + 32),
    Case("connection refused, permanently", ("refused",), (Where.TOKEN, Where.PROBE), options={"seconds": 1e9},
         says=f"could not be read (the connection was refused): {_NETWORK}", fails=True, requests=1,
         waits=1 + 2 + 4 + 8 + 16 + 32),
    Case("no response, permanently", ("timeout",), (Where.PROBE,), for_ever=True, options={"seconds": 1},
         settings=_IMPATIENT, says=f"could not be read (the response timed out): {_NETWORK}", fails=True, requests=2,
         waits=1),
    Case("a slow body, permanently", ("drip",), (Where.PROBE,), for_ever=True,
         options={"pieces": 100, "seconds": 20}, settings={"max_retries": 1},
         says=f"could not be read (the response was too slow): {_NETWORK}", fails=True, requests=2, waits=None),
    Case("HTML with 200, permanently", ("html",), (Where.TOKEN, Where.PAGE, Where.LIST), for_ever=True, says=_GARBLED,
         fails=True, requests=7, waits=1 + 2 + 4 + 8 + 16 + 32),
    # Failures that are not retried.
    Case("200 kB that decompress to 200 MB", ("bomb",), (Where.TOKEN, Where.PAGE, Where.LIST),
         says="the response has more than 64 MB): lower page_size.", fails=True, requests=1),
    Case("`null` instead of the response", ("null",), (Where.TOKEN,), says="the response contains no access_token",
         fails=True, requests=1),
    Case("`null` instead of the response", ("null",), WORK_ORDERS,
         says=f"the response lacks the documented metadata.*{_BUG}", fails=True, requests=1),
    Case("`null` instead of the response", ("null",), (Where.CHILD, Where.LIST),
         says=f"the response is not the documented list.*{_BUG}", fails=True, requests=1),
    Case("a response without a token", ("token-missing",), (Where.TOKEN,), says="the response contains no access_token",
         fails=True, requests=1),
    Case("400 and 401 in each documented body, 403, 404, 405, 414, 422",
         (*_shapes(400, 401), "403-problem", "404-status_code", "405-error", "414-errors", "422-oauth"),
         (Where.TOKEN,), says="gave no access token, HTTP .*: check that client_id and client_secret are correct",
         fails=True, requests=1),
    Case("401, permanently", ("401",), (*WORK_ORDERS, Where.LIST), for_ever=True, says=f"HTTP 401 (.*{_ENDED}",
         fails=True, requests=2),
    Case("401 for every record, permanently", ("401",), (Where.CHILD,), for_ever=True, path="/workorders/*",
         says=f"HTTP 401 (.*{_ENDED}", fails=True, requests=(20, 40)),
    Case("400 that reports an expired token, permanently", ("400-expired",), (Where.PAGE,), for_ever=True,
         says=f"HTTP 400 (Expired token): {_ENDED}", fails=True, requests=2),
    Case("the token truncated or altered in transit, permanently", ("token-cut", "token-altered"), (Where.PAGE,),
         for_ever=True, says=f"HTTP 401 (The access token is invalid): {_ALTERED}", fails=True, requests=2),
    Case("403 in each documented body", _shapes(403), (Where.PROBE,), says=f"HTTP 403 (.*{_PERMISSION}", fails=True,
         requests=1),
    Case("404 in each documented body", _shapes(404), (Where.PROBE,), says=f"HTTP 404 (.*{_NOT_THERE}", fails=True,
         requests=1),
    Case("403", ("403",), (Where.PAGE, Where.BY_ID), says=f"HTTP 403 (.*{_PERMISSION}", fails=True, requests=1),
    Case("404", ("404",), (Where.PAGE, Where.BY_ID), says=f"HTTP 404 (.*{_NOT_THERE}", fails=True, requests=1),
    Case("400, 405 and 422 in each documented body",
         tuple(name for name in _shapes(400, 405, 422) if name != "400-oauth"), (Where.PROBE,),
         says=f"returned HTTP .*{_BUG}", fails=True, requests=1),
    Case("400 and 422", ("400", "422"), (Where.PAGE, Where.BY_ID, Where.CHILD, Where.LIST),
         says=f"returned HTTP .*{_BUG}", fails=True, requests=1),
    Case("414 in each documented body", _shapes(414), (Where.PROBE,), says="select fewer streams, or report this line.",
         fails=True, requests=1),
    Case("a redirect to another host, to http, to itself", ("redirect-other", "redirect-http", "redirect-same"),
         says=f"HTTP 302: {_REDIRECT}", fails=True, requests=1),
    *(Case(f"a redirect by {status}", ("redirect-other",), (Where.TOKEN, Where.PAGE), options={"status": status},
           says=f"HTTP {status}: {_REDIRECT}", fails=True, requests=1) for status in (301, 303, 307, 308)),
)  # fmt: skip


def table() -> str:
    """The table for people."""
    runs = sum(1 for case in CASES for _ in case.runs())
    places = [f"- *{where.value}*: {IN_WORDS[where]}" for where in Where]
    count = f"{len(CASES)} rows, {runs} runs of the whole tap. The requests:"
    lines = [
        "",
        count,
        "",
        *places,
        "",
        "| fault | request | outcome | requests | waits |",
        "|---|---|---|---|---|",
    ]
    for case in CASES:
        where = "everywhere" if case.where == ALL else ", ".join(one.value for one in case.where)
        if case.fails:
            made = f"made {_times(case.requests)}"
            outcome = f"exit code 1: …{_words(case.says)}"
        else:
            made = _more(case.requests)
            outcome = f"complete except {case.without}, with a warning" if case.without else "complete"
        waits = "depends" if case.waits is None else f"{case.waits:,.0f} s"
        lines.append(f"| {case.what} | {where} | {outcome} | {made} | {waits} |")
    return "\n".join([*lines, ""])


def _words(pattern: str) -> str:
    return pattern.replace(".*", "… ").removesuffix(".")


def _times(count: int | tuple[int, int]) -> str:
    if isinstance(count, tuple):
        return f"{count[0]} to {count[1]} times"
    return "once" if count == 1 else f"{count} times"


def _more(count: int | tuple[int, int]) -> str:
    if isinstance(count, tuple):
        return "depends"
    return f"{count:+}" if count else "none"
