"""The emulator as tests, the demo and the command line use it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from typing_extensions import Self

from . import control
from .app import App, Hook
from .clock import Clock, SystemClock
from .company.changes import apply_change
from .company.company import Company
from .company.directory import COMPANY_ID
from .company.simulation import advance
from .server import Connection, Server, check_host
from .switches import Switches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from email.message import Message
    from types import TracebackType

    from emulator.json import Json

    from .company.history import Change
    from .company.simulation import RandomChanges
    from .log import RequestLog


class Emulator:
    """Field Nation's API on a loopback port, served by a thread of this process; a context manager.

    `company_id` is that of the company, from 20,843 upwards: companies with other ids have other work orders, while the
    ids in their lists are the same. `switches` are the fields of `emulator.switches.Switches`, by name.
    """

    def __init__(
        self,
        work_orders: int = 2_500,
        seed: int = 1,
        today: date | None = None,
        days: int = 365,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        clock: Clock | None = None,
        company_id: int = COMPANY_ID,
        **switches: Json,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.company = Company(work_orders, seed, today, days, self.clock, company_id)
        self.app = App(self.company, seed, Switches().changed(**switches), self.clock)
        self._address = check_host(host), port
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        credentials = self.app.tokens.credentials
        self.client_id = credentials.client_id
        self.client_secret = credentials.client_secret
        self.username = credentials.username
        self.password = credentials.password

    # Start and stop

    @property
    def server(self) -> Server:
        """The HTTP server. RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("the emulator is not started")
        return self._server

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self.server.server_port

    @property
    def url(self) -> str:
        """The origin, without a path: the counterpart of `https://api.fieldnation.com`."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Bind the port and serve in a thread."""
        host, port = self._address
        self._server = Server(host, port, self._handle)
        self._thread = threading.Thread(target=self._server.serve_forever, name="emulator", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close the port and all connections."""
        if self._server is not None and self._thread is not None:
            self._server.stop()
            self._thread.join(5)
            self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _handle(self, method: str, target: str, headers: Message, body: bytes, connection: Connection) -> None:
        if target.startswith(control.PREFIX):
            connection.send(control.handle(self.app, method, target, body))
        else:
            self.app.handle(method, target, headers, body, connection)

    # Requests and tokens

    @property
    def log(self) -> RequestLog:
        """Every request received, with its outcome."""
        return self.app.log

    def reset_log(self) -> None:
        """Delete all log entries."""
        self.app.log.clear()

    @property
    def issued_tokens(self) -> list[str]:
        """Every access token issued so far."""
        return list(self.app.tokens.issued)

    @property
    def secrets(self) -> list[str]:
        """What no output may contain: client secret, password and access tokens."""
        return [self.client_secret, self.password, *self.issued_tokens]

    def expire_tokens(self) -> None:
        """Expire all access tokens now."""
        self.app.tokens.revoke_all()

    # Switches and faults

    @property
    def switches(self) -> Switches:
        """The current switches."""
        return self.app.switches

    def switch(self, **switches: Json) -> None:
        """Change switches while the emulator runs."""
        self.app.switches = self.app.switches.changed(**switches)

    def faults(self, rules: Iterable[Mapping[str, Json]]) -> None:
        """Replace the injected faults; `emulator.fault_plan` documents the format of a rule."""
        self.app.faults.set(rules)

    def unserved_faults(self) -> list[str]:
        """Names of the faults that have not been served, or not as often as planned."""
        return self.app.faults.unserved()

    def close_port(self) -> None:
        """Refuse connections until `open_port`."""
        self.server.close_port()

    def open_port(self) -> None:
        """Listen on the same port again."""
        self.server.open_port()

    # Expected data, besides `company`

    def get(self, path: str, **params: str) -> Json:
        """The decoded response to `GET path` (below /api/rest/v2), without token, rate limit, faults and log."""
        return self.app.get(path, **params)

    def rows(self, path: str, **params: str) -> list[Json]:
        """All rows of a list, whichever way it is paged; for /workorders use `company`."""
        return self.app.rows(path, **params)

    # Changes

    def change(self, kind: str, work_order_id: int | None = None) -> Change | None:
        """Apply one change, see `company.changes`; None if the work order does not allow it."""
        return apply_change(self.company, kind, work_order_id)

    def advance(self, days: int = 1) -> list[Change]:
        """Simulate the next days; the company's calendar then runs ahead of the clock."""
        return advance(self.company, days)

    def plan(
        self,
        seed: int,
        *,
        every: int = 1,
        changes: int = 1,
        weights: Mapping[str, int] | None = None,
        path: str = "/workorders",
    ) -> RandomChanges:
        """Apply `changes` random changes before every `every`-th request whose path begins with `path`."""
        return self.app.plan(seed, every=every, changes=changes, weights=weights, path=path)

    def before_request(self, hook: Hook) -> None:
        """Call `hook(request)` before each API request, with the company locked."""
        self.app.hooks.append(hook)

    def stop_changes(self) -> None:
        """Remove all plans and hooks."""
        self.app.hooks.clear()
