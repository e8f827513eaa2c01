"""The faults by name.

Three kinds: a response instead of the regular one (`_replace`), the regular response altered (`_alter`), and faults of
the connection.
"""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import TYPE_CHECKING

import msgspec

from .clock import VirtualClock
from .errors import CODES, SHAPES, error, expired
from .http import Request, Response

if TYPE_CHECKING:
    from .clock import Clock
    from .json import Json
    from .server import Connection


@dataclass
class FaultContext:
    """A request that has to fail. `respond` computes the regular response to a request."""

    request: Request
    connection: Connection
    clock: Clock
    respond: Callable[[Request], Response]
    options: Mapping[str, Json]

    def regular_response(self) -> Response:
        """The response without the fault."""
        return self.respond(self.request)

    def seconds(self, default: float) -> float:
        """The option `seconds`."""
        return float(self.options.get("seconds", default))


Fault = Callable[[FaultContext], None]


def _replace(create: Callable[[FaultContext], Response]) -> Fault:
    def serve(context: FaultContext) -> None:
        context.connection.send(create(context))

    return serve


def _alter(alter: Callable[[Response], Response]) -> Fault:
    def serve(context: FaultContext) -> None:
        context.connection.send(alter(context.regular_response()))

    return serve


# Responses instead of the regular one


def _status(status: int, shape: str) -> Fault:
    def create(context: FaultContext) -> Response:
        detail = str(context.options.get("detail", f"Made to fail with {status}"))
        parameter = "columns" if status in (400, 422) and shape != "oauth" else ""
        return error(status, detail, shape, parameter=parameter)

    return _replace(create)


def _too_many_requests(retry_after: Callable[[FaultContext], str], shape: str = "errors") -> Fault:
    def create(context: FaultContext) -> Response:
        value = retry_after(context)
        response = error(429, "Rate limit exceeded", shape)
        if value:
            response.headers["Retry-After"] = value
        return response

    return _replace(create)


def _redirect(default: str) -> Fault:
    def create(context: FaultContext) -> Response:
        location = str(context.options.get("location", default))
        if location == "same":
            location = context.request.target
        return Response(int(context.options.get("status", 302)), headers={"Location": location})

    return _replace(create)


_PAGE = b"<!DOCTYPE html><html><head><title>Field Nation</title></head><body><h1>Back soon</h1></body></html>"
_HTML = "text/html; charset=utf-8"


def _html_page(context: FaultContext) -> Response:
    return Response(int(context.options.get("status", 200)), _PAGE, _HTML)


# The regular response, altered


def _truncate_body(response: Response) -> Response:
    return replace(response, body=response.body[: len(response.body) // 2])


def _wrong_content_type(response: Response) -> Response:
    return replace(response, content_type="text/plain")


def _wrong_content_encoding(response: Response) -> Response:
    return replace(response, headers={**response.headers, "Content-Encoding": "gzip"})


def _empty_body(response: Response) -> Response:
    return replace(response, body=b"")


def _null_body(response: Response) -> Response:
    return replace(response, body=b"null")


# Compresses to 200 kB.
_BOMB = gzip.compress(bytes(200 * 2**20))


def _bomb(response: Response) -> Response:
    return replace(response, body=_BOMB, headers={**response.headers, "Content-Encoding": "gzip"})


# What changes the display of a terminal, reverses text, or begins a new line of a log.
HOSTILE = "\x1b[31mred \x1b]0;title\x07 \u202ereversed \x85 \u2028 2026-01-01 ERROR forged"


def _hostile_error(_: FaultContext) -> Response:
    response = error(500, HOSTILE, "problem")
    body = {**msgspec.json.decode(response.body), "correlationId": f"7\n{HOSTILE}"}
    return replace(response, body=msgspec.json.encode(body))


def _echo_url(context: FaultContext) -> None:
    """Let all links in the response repeat the URL of the request, with the token, where it has one."""
    response = context.regular_response()
    body = msgspec.json.decode(response.body)
    pending = [body]
    while pending:
        container = pending.pop()
        for key, value in list(container.items()) if isinstance(container, dict) else []:
            if isinstance(value, str) and key.lower().endswith(("href", "link", "url", "name", "title")):
                container[key] = f"https://api.example{context.request.target}"
        pending += [
            value
            for value in (container.values() if isinstance(container, dict) else container)
            if isinstance(value, (dict, list))
        ]
    context.connection.send(replace(response, body=msgspec.json.encode(body)))


def _change_token_response(change: Callable[[dict[str, Json]], None]) -> Fault:
    """Change the body of the token endpoint's response."""

    def alter(response: Response) -> Response:
        body = msgspec.json.decode(response.body)
        change(body)
        return replace(response, body=msgspec.json.encode(body))

    return _alter(alter)


def _expires_in(value: Json) -> Fault:
    return _change_token_response(lambda body: body.update(expires_in=value))


def _damage_token(damage: Callable[[str], str]) -> Fault:
    """Respond as if the access token had arrived damaged."""

    def serve(context: FaultContext) -> None:
        request = context.request
        params, headers = dict(request.params), dict(request.headers)
        if "access_token" in params:
            params["access_token"] = damage(params["access_token"])
        if "Authorization" in headers:
            headers["Authorization"] = damage(headers["Authorization"])
        context.connection.send(context.respond(replace(request, params=params, headers=headers)))

    return serve


# Faults of the connection


def _reset_before_response(context: FaultContext) -> None:
    context.connection.reset()


def _partial_body(context: FaultContext, *, reset: bool) -> None:
    """Send all headers and half of the body, then close or reset the connection."""
    response = context.regular_response()
    head = context.connection.head(response, len(response.body))
    context.connection.send_bytes(head + response.body[: len(response.body) // 2])
    if reset:
        context.connection.wait(0.05)  # otherwise the reset overtakes the bytes before it
        context.connection.reset()
    context.connection.close()


def _partial_chunks(context: FaultContext) -> None:
    response = context.regular_response()
    response.headers["Transfer-Encoding"] = "chunked"
    part = response.body[: len(response.body) // 2]
    context.connection.send_bytes(context.connection.head(response, None) + b"%x\r\n%b\r\n" % (len(part), part))
    context.connection.close()


def _no_response(context: FaultContext) -> None:
    """Send nothing for `seconds` (30), then reset the connection."""
    context.connection.before_send(None)
    context.connection.wait(context.seconds(30))
    context.connection.reset()


# Real seconds between two pieces of a slow body on a virtual clock, so that one arrives before the next.
PIECE_PAUSE = 0.002


def _slow_body(context: FaultContext) -> None:
    """Send the body in `pieces` (20), pausing `seconds` (0.05) after each; a virtual clock advances instead."""
    clock, seconds = context.clock, context.seconds(0.05)
    response = context.regular_response()
    context.connection.send_bytes(context.connection.head(response, len(response.body)))
    size = max(1, len(response.body) // int(context.options.get("pieces", 20)))
    for begin in range(0, len(response.body), size):
        context.connection.send_bytes(response.body[begin : begin + size])
        if isinstance(clock, VirtualClock):
            clock.advance(seconds)
        if context.connection.wait(PIECE_PAUSE if isinstance(clock, VirtualClock) else seconds):
            break


def _interim(context: FaultContext) -> None:
    """Send an interim response before the regular one."""
    context.connection.send_bytes(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
    context.connection.send(context.regular_response())


def _in_pieces(pieces: Callable[[FaultContext], Iterable[bytes]]) -> Fault:
    """Send these pieces, pausing `seconds` (0.05) after each; a virtual clock advances instead."""

    def serve(context: FaultContext) -> None:
        clock, seconds = context.clock, context.seconds(0.05)
        context.connection.before_send(None)
        context.connection.close()
        for piece in pieces(context):
            context.connection.send_bytes(piece)
            if isinstance(clock, VirtualClock):
                clock.advance(seconds)
            if context.connection.wait(PIECE_PAUSE if isinstance(clock, VirtualClock) else seconds):
                break

    return serve


def _slow_head(_: FaultContext) -> Iterable[bytes]:
    yield b"HTTP/1.1 200 OK\r\nX-Slow: "
    yield from (b"x" for _ in range(10_000))


def _endless_interim(_: FaultContext) -> Iterable[bytes]:
    return (b"HTTP/1.1 100 Continue\r\n\r\n" for _ in range(10_000))


def _closed_port(context: FaultContext) -> None:
    """Reset this request, and refuse connections for `seconds` (0.3)."""
    server, seconds, clock = context.connection.server, context.seconds(0.3), context.clock
    server.close_port()
    if isinstance(clock, VirtualClock):
        due = clock.monotonic() + seconds
        clock.on_advance(lambda: server.open_port() if clock.monotonic() >= due else None)
    else:
        timer = threading.Timer(seconds, server.open_port)
        timer.daemon = True
        timer.start()
    context.connection.reset()


FAULTS: dict[str, Fault] = {
    **{f"{status}-{shape}": _status(status, shape) for status in CODES for shape in SHAPES},
    **{str(status): _status(status, "problem") for status in (400, 403, 404, 408, 414, 422, 500, 502, 503, 504)},
    "401": _replace(lambda _: expired()),
    "400-expired": _replace(lambda _: expired(as_400=True)),
    "429-seconds": _too_many_requests(lambda context: str(int(context.seconds(2)))),
    "429-date": _too_many_requests(lambda context: formatdate(context.clock.wall() + context.seconds(2), usegmt=True)),
    "429-none": _too_many_requests(lambda _: ""),
    "429-absurd": _too_many_requests(lambda context: str(context.options.get("value", "99999999"))),
    "429-garbage": _too_many_requests(lambda context: str(context.options.get("value", "soon"))),
    "429-body": _too_many_requests(lambda _: "", "error"),
    "429-agent": _too_many_requests(lambda _: "", "problem"),
    "html": _replace(_html_page),
    "redirect-same": _redirect("same"),
    "redirect-other": _redirect("https://elsewhere.example/api/rest/v2/workorders"),
    "redirect-http": _redirect("http://api.fieldnation.example/api/rest/v2/workorders"),
    "cut-json": _alter(_truncate_body),
    "content-type": _alter(_wrong_content_type),
    "gzip": _alter(_wrong_content_encoding),
    "empty": _alter(_empty_body),
    "null": _alter(_null_body),
    "token-cut": _damage_token(lambda token: token[:-7]),
    "token-altered": _damage_token(lambda token: token[:-1] + "x"),
    "token-no-expiry": _change_token_response(lambda body: body.pop("expires_in", None)),
    "token-zero": _expires_in(0),
    "token-negative": _expires_in(-1),
    "token-string": _expires_in("3600"),
    "token-words": _expires_in("soon"),
    "token-null": _expires_in(None),
    "token-missing": _change_token_response(lambda body: body.pop("access_token", None)),
    "reset-before": _reset_before_response,
    "reset-body": lambda context: _partial_body(context, reset=True),
    "cut-body": lambda context: _partial_body(context, reset=False),
    "cut-chunks": _partial_chunks,
    "timeout": _no_response,
    "drip": _slow_body,
    "drip-head": _in_pieces(_slow_head),
    "interim": _interim,
    "interim-endless": _in_pieces(_endless_interim),
    "bomb": _alter(_bomb),
    "hostile": _replace(_hostile_error),
    "echo": _echo_url,
    "refused": _closed_port,
}
