"""HTTP/1.1 with keep-alive on a loopback port, one thread a connection.

The standard library's server rather than a framework: faults need the bare socket (resets, torn bodies,
slow drips), and one `sendall` of a ready-made body is as cheap as it gets. Nagle's algorithm is off, so no
answer waits for an ACK.
"""

from __future__ import annotations

import contextlib
import gzip
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from email.message import Message
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from emulator.json import Json

    from .messages import Reply

MAX_BODY = 2**20
#: Answers a request on an open connection: method, target, headers, body, the wire to answer on.
Answer = Callable[[str, str, Message, bytes, "Wire"], None]


def check_host(host: str) -> str:
    """The address to bind; ValueError unless it is the loopback interface's."""
    if host not in ("127.0.0.1", "localhost"):
        raise ValueError("the emulator listens on the loopback interface only")
    return "127.0.0.1"


class Wire:
    """One connection, as far as an answer needs it."""

    def __init__(self, handler: _Handler) -> None:
        self._handler = handler
        self.server = handler.server
        self.stopping = handler.server.stopping
        self.note: Callable[[Reply | None], None] = lambda _: None  # called just before the answer shows
        self.now: Callable[[], float] = time.time  # for the header `Date`

    def head(self, reply: Reply, length: int | None) -> bytes:
        """Status line and headers; `length` None leaves Content-Length out."""
        self.note(reply)
        try:
            phrase = HTTPStatus(reply.status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = [f"HTTP/1.1 {reply.status} {phrase}", f"Date: {formatdate(self.now(), usegmt=True)}"]
        if reply.content_type:
            lines.append(f"Content-Type: {reply.content_type}")
        if length is not None:
            lines.append(f"Content-Length: {length}")
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def send(self, reply: Reply, *, compress: bool = False) -> None:
        """A whole, correct answer."""
        body = reply.body
        if compress and "gzip" in self._handler.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, compresslevel=1)
            reply.headers["Content-Encoding"] = "gzip"
        if not self.server.listening:  # a server that goes down keeps no connection
            reply.headers["Connection"] = "close"
            self.close()
        self.raw(self.head(reply, len(body)) + (b"" if self._handler.command == "HEAD" else body))

    def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self._handler.connection.sendall(data)

    def close(self) -> None:
        """Close the connection in good order after this answer."""
        self._handler.close_connection = True

    def reset(self) -> None:
        """Drop the connection so that the other side sees a reset."""
        self.note(None)
        self._handler.close_connection = True
        with contextlib.suppress(OSError):
            self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._handler.rfile.close()
            self._handler.server.forget(self._handler.connection)
            self._handler.connection.close()

    def wait(self, seconds: float) -> bool:
        """Let real time pass; True where the server was stopped meanwhile."""
        return self.stopping.wait(seconds)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        size = int(length) if length.isdecimal() else 0
        body = self.rfile.read(min(size, MAX_BODY))
        if size > MAX_BODY:
            self.close_connection = True
        try:
            with self.server.busy(self.connection):
                self.server.answer(self.command, self.path, self.headers, body, Wire(self))
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    @override
    def log_message(self, format: str, *args: Json) -> None:
        """Nothing goes to stderr: the log of the emulator is elsewhere."""

    @override
    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()


for _method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
    setattr(_Handler, f"do_{_method}", _Handler.serve)


class Server(ThreadingHTTPServer):
    """The listening socket and its connections. It can shut its port and open the same one again."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str, port: int, answer: Answer) -> None:
        self.answer = answer
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._busy: set[socket.socket] = set()
        self._listening = threading.Event()
        self.accepted = 0  # connections so far
        self._lock = threading.Lock()
        super().__init__((check_host(host), port), _Handler, bind_and_activate=False)
        self.server_bind()
        self._listen()

    @override
    def server_bind(self) -> None:
        """Bind without the reverse look-up of the host's name that the base class makes."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    @override
    def process_request(self, request: Json, client_address: Json) -> None:
        """Remember the connection, then serve it in a thread."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    @override
    def shutdown_request(self, request: Json) -> None:
        """Forget a connection that has ended."""
        self.forget(request)
        super().shutdown_request(request)

    def forget(self, connection: socket.socket) -> None:
        """This connection is no longer ours to close."""
        with self._lock:
            self._open.discard(connection)

    @override
    def handle_error(self, request: Json, client_address: Json) -> None:
        """Clients that went away are no error; anything else is shown."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError, ValueError)):
            super().handle_error(request, client_address)

    @property
    def listening(self) -> bool:
        """Whether connections are accepted."""
        return self._listening.is_set()

    @override
    def serve_forever(self, poll_interval: float = 0.1) -> None:
        """Accept connections until `stop`; between `close_port` and `open_port` there is nothing to accept on."""
        while not self.stopping.is_set():
            if not self._listening.wait(poll_interval):
                continue
            try:
                connection, address = self.socket.accept()
            except OSError:  # nobody came, or the port was closed meanwhile
                continue
            self.accepted += 1
            self.process_request(connection, address)

    def close_port(self) -> None:
        """Refuse connections from now on, and hang up on those that are idle."""
        with self._lock:
            if not self._listening.is_set():
                return
            self._listening.clear()
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()
            idle = self._open - self._busy
        _cut(idle)

    def open_port(self) -> None:
        """Listen on the same port as before."""
        with self._lock:
            if self._listening.is_set() or self.stopping.is_set():
                return
            self.socket = socket.socket(self.address_family, self.socket_type)
            self.server_bind()
            self._listen()

    def _listen(self) -> None:
        self.server_activate()
        self.socket.settimeout(0.1)
        self._listening.set()

    @contextlib.contextmanager
    def busy(self, connection: socket.socket) -> Iterator[None]:
        """While a request is being answered on this connection."""
        with self._lock:
            self._busy.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(connection)
                leave = not self._listening.is_set()
            if leave:
                _cut({connection})

    def stop(self) -> None:
        """Stop serving, close the port and all connections."""
        self.stopping.set()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes `serve_forever`
        self.server_close()
        with self._lock:
            connections = set(self._open)
        _cut(connections)


def _cut(connections: set[socket.socket]) -> None:
    for connection in connections:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
