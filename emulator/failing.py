"""The faults by name, and how each is served.

Three kinds: an answer in place of the right one (`_instead`), the right answer spoilt on its way
(`_spoilt`), and what happens to the connection itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import TYPE_CHECKING

import msgspec

from .clock import VirtualClock
from .errors import CODES, SHAPES, error, expired
from .messages import Reply, Request

if TYPE_CHECKING:
    from .clock import Clock
    from .json import Json
    from .serving import Wire


@dataclass
class Failing:
    """A request that has to fail. `right` makes the answer that it would get otherwise, from a request."""

    request: Request
    wire: Wire
    clock: Clock
    right: Callable[[Request], Reply]
    options: Mapping[str, Json]

    def seconds(self, default: float) -> float:
        """The option `seconds`."""
        return float(self.options.get("seconds", default))


Fault = Callable[[Failing], None]


def _instead(make: Callable[[Failing], Reply]) -> Fault:
    def serve(failing: Failing) -> None:
        failing.wire.send(make(failing))

    return serve


def _spoilt(spoil: Callable[[Reply, Failing], Reply]) -> Fault:
    def serve(failing: Failing) -> None:
        failing.wire.send(spoil(failing.right(failing.request), failing))

    return serve


# In place of the right answer


def _status(status: int, shape: str) -> Fault:
    def make(failing: Failing) -> Reply:
        detail = str(failing.options.get("detail", f"Made to fail with {status}"))
        parameter = "columns" if status in (400, 422) and shape != "oauth" else ""
        return error(status, detail, shape, parameter=parameter)

    return _instead(make)


def _limited(header: Callable[[Failing], str], shape: str = "errors") -> Fault:
    def make(failing: Failing) -> Reply:
        value = header(failing)
        reply = error(429, "Rate limit exceeded", shape)
        if value:
            reply.headers["Retry-After"] = value
        return reply

    return _instead(make)


def _redirect(default: str) -> Fault:
    def make(failing: Failing) -> Reply:
        location = str(failing.options.get("location", default))
        if location == "same":
            location = failing.request.target
        return Reply(int(failing.options.get("status", 302)), headers={"Location": location})

    return _instead(make)


_PAGE = b"<!DOCTYPE html><html><head><title>Field Nation</title></head><body><h1>Back soon</h1></body></html>"
_HTML = "text/html; charset=utf-8"


def _proxy_page(failing: Failing) -> Reply:
    return Reply(int(failing.options.get("status", 200)), _PAGE, _HTML)


# The right answer, spoilt


def _cut_json(reply: Reply, _: Failing) -> Reply:
    return replace(reply, body=reply.body[: len(reply.body) // 2])


def _wrong_type(reply: Reply, _: Failing) -> Reply:
    return replace(reply, content_type="text/plain")


def _no_gzip(reply: Reply, _: Failing) -> Reply:
    return replace(reply, headers={**reply.headers, "Content-Encoding": "gzip"})


def _no_body(reply: Reply, _: Failing) -> Reply:
    return replace(reply, body=b"")


def _not_an_object(reply: Reply, _: Failing) -> Reply:
    return replace(reply, body=b"null")


def _lifetime(change: Callable[[dict[str, Json]], None]) -> Fault:
    """A token endpoint's answer with its `expires_in` (or more) changed."""

    def spoil(reply: Reply, _: Failing) -> Reply:
        body = msgspec.json.decode(reply.body)
        change(body)
        return replace(reply, body=msgspec.json.encode(body))

    return _spoilt(spoil)


def _lives(value: Json) -> Fault:
    return _lifetime(lambda body: body.update(expires_in=value))


def _token(alter: Callable[[str], str]) -> Fault:
    """The token arrives cut or altered, so that the server does not know it."""

    def serve(failing: Failing) -> None:
        request = failing.request
        params, headers = dict(request.params), dict(request.headers)
        if "access_token" in params:
            params["access_token"] = alter(params["access_token"])
        if "Authorization" in headers:
            headers["Authorization"] = alter(headers["Authorization"])
        failing.wire.send(failing.right(replace(request, params=params, headers=headers)))

    return serve


# The connection


def _reset_before(failing: Failing) -> None:
    failing.wire.reset()


def _torn(failing: Failing, *, reset: bool) -> None:
    """All headers, half of the body, then the end of the connection."""
    reply = failing.right(failing.request)
    failing.wire.raw(failing.wire.head(reply, len(reply.body)) + reply.body[: len(reply.body) // 2])
    if reset:
        failing.wire.wait(0.05)  # else the reset overtakes the bytes before it
        failing.wire.reset()
    failing.wire.close()


def _torn_chunks(failing: Failing) -> None:
    reply = failing.right(failing.request)
    reply.headers["Transfer-Encoding"] = "chunked"
    part = reply.body[: len(reply.body) // 2]
    failing.wire.raw(failing.wire.head(reply, None) + b"%x\r\n%b\r\n" % (len(part), part))
    failing.wire.close()


def _silence(failing: Failing) -> None:
    """No answer for `seconds` (30), then the end of the connection."""
    failing.wire.note(None)
    failing.wire.wait(failing.seconds(30))
    failing.wire.reset()


# Seconds between two pieces where time is virtual, so that one arrives before the next.
PIECE = 0.002


def _drip(failing: Failing) -> None:
    """The body in `pieces` (20), `seconds` (0.05) after each; by a virtual clock those pass at once."""
    clock, seconds = failing.clock, failing.seconds(0.05)
    reply = failing.right(failing.request)
    failing.wire.raw(failing.wire.head(reply, len(reply.body)))
    size = max(1, len(reply.body) // int(failing.options.get("pieces", 20)))
    for begin in range(0, len(reply.body), size):
        failing.wire.raw(reply.body[begin : begin + size])
        if isinstance(clock, VirtualClock):
            clock.advance(seconds)
        if failing.wire.wait(PIECE if isinstance(clock, VirtualClock) else seconds):
            break


def _refused(failing: Failing) -> None:
    """The server goes down: this request is reset, and for `seconds` (0.3) its port refuses connections."""
    server, seconds, clock = failing.wire.server, failing.seconds(0.3), failing.clock
    server.close_port()
    if isinstance(clock, VirtualClock):
        due = clock.monotonic() + seconds
        clock.on_advance(lambda: server.open_port() if clock.monotonic() >= due else None)
    else:
        timer = threading.Timer(seconds, server.open_port)
        timer.daemon = True
        timer.start()
    failing.wire.reset()


FAULTS: dict[str, Fault] = {
    **{f"{status}-{shape}": _status(status, shape) for status in CODES for shape in SHAPES},
    **{str(status): _status(status, "problem") for status in (400, 403, 404, 408, 414, 422, 500, 502, 503, 504)},
    "401": _instead(lambda _: expired()),
    "400-expired": _instead(lambda _: expired(as_400=True)),
    "429-seconds": _limited(lambda failing: str(int(failing.seconds(2)))),
    "429-date": _limited(lambda failing: formatdate(failing.clock.wall() + failing.seconds(2), usegmt=True)),
    "429-none": _limited(lambda _: ""),
    "429-absurd": _limited(lambda failing: str(failing.options.get("value", "99999999"))),
    "429-garbage": _limited(lambda failing: str(failing.options.get("value", "soon"))),
    "429-body": _limited(lambda _: "", "error"),
    "429-agent": _limited(lambda _: "", "problem"),
    "html": _instead(_proxy_page),
    "redirect-same": _redirect("same"),
    "redirect-other": _redirect("https://elsewhere.example/api/rest/v2/workorders"),
    "redirect-http": _redirect("http://api.fieldnation.example/api/rest/v2/workorders"),
    "cut-json": _spoilt(_cut_json),
    "content-type": _spoilt(_wrong_type),
    "gzip": _spoilt(_no_gzip),
    "empty": _spoilt(_no_body),
    "null": _spoilt(_not_an_object),
    "token-cut": _token(lambda token: token[:-7]),
    "token-altered": _token(lambda token: token[:-1] + "x"),
    "token-no-expiry": _lifetime(lambda body: body.pop("expires_in", None)),
    "token-zero": _lives(0),
    "token-negative": _lives(-1),
    "token-string": _lives("3600"),
    "token-words": _lives("soon"),
    "token-null": _lives(None),
    "token-missing": _lifetime(lambda body: body.pop("access_token", None)),
    "reset-before": _reset_before,
    "reset-body": lambda failing: _torn(failing, reset=True),
    "cut-body": lambda failing: _torn(failing, reset=False),
    "cut-chunks": _torn_chunks,
    "timeout": _silence,
    "drip": _drip,
    "refused": _refused,
}
