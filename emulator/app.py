"""Handle API requests: hooks, fault injection, access token, rate limit, route and log, without the socket."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import msgspec

from .company.simulation import RandomChanges
from .context import ApiContext
from .endpoints import register
from .errors import error
from .fault_plan import FaultPlan
from .faults import FAULTS, FaultContext
from .http import API_ROOT, TOKEN_PATH, Request, Response
from .listing import page_response
from .log import Entry, RequestLog
from .query import ParameterError, SavedViews, SelectionCache, parse
from .rate_limit import RateLimiter
from .tokens import Tokens
from .work_order.cache import SectionCache
from .work_order.payload import Payload
from .work_order.sections import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import Message

    from emulator.json import Json

    from .clock import Clock
    from .company.company import Company
    from .router import Router
    from .server import Connection
    from .switches import Switches

Hook = Callable[[Request], None]


class App:
    """The API of one company."""

    def __init__(self, company: Company, seed: int, switches: Switches, clock: Clock) -> None:
        self.company = company
        self.clock = clock
        self.log = RequestLog()
        self.tokens = Tokens(seed, clock)
        self.faults = FaultPlan()
        self.hooks: list[Hook] = []
        self._context = ApiContext(company, switches)
        self._rate_limiter = RateLimiter(clock)
        self._saved_views = SavedViews()
        self._selections = SelectionCache(company)
        self._sections = SectionCache(company, Payload.by(switches))
        self._lock = threading.Lock()
        self._request_count = 0
        company.late_ids, company.late_seconds = switches.late_ids, switches.late_seconds
        self.router.add("/workorders", self._work_orders)
        register(self._context)

    @property
    def router(self) -> Router:
        """The routes; a test may add its own."""
        return self._context.router

    @property
    def switches(self) -> Switches:
        """The current switches."""
        return self._context.switches

    @switches.setter
    def switches(self, switches: Switches) -> None:
        if self._sections.payload != Payload.by(switches):
            self._sections = SectionCache(self.company, Payload.by(switches))
        self.company.late_ids, self.company.late_seconds = switches.late_ids, switches.late_seconds
        self._context.switches = switches

    def get(self, path: str, **params: str) -> Json:
        """The decoded response to `GET path`, without token, rate limit, faults and log. KeyError for an error."""
        found = self.router.find(path)
        if found is None:
            raise KeyError(path)
        handler, values = found
        response = handler(Request("GET", path, path, params, {}), "direct", **values)
        if response.status != HTTPStatus.OK:
            raise KeyError(path)
        return msgspec.json.decode(response.body)

    def rows(self, path: str, **params: str) -> list[Json]:
        """All rows of a list, whichever way it is paged."""
        if "?" in path:
            raise ValueError("pass query parameters as keyword arguments")
        body = self.get(path, **params)
        if isinstance(body, list):
            return body
        rows = list(body["data"] if "data" in body else body["results"])
        while body.get("pagination", {}).get("has_next_page"):
            body = self.get(path, **{**params, "after": body["pagination"]["next_cursor"]})
            rows += body["data"]
        for page in range(2, body.get("metadata", {}).get("pages", 1) + 1):
            rows += self.get(path, **{**params, "page": str(page)})["results"]
        return rows

    def warm(self, columns: str = "") -> None:
        """Encode these sections (comma-separated, all if empty) of every visible work order into the cache."""
        names = tuple(columns.split(",")) if columns else tuple(SECTIONS)
        with self.company.lock:
            for index in self.company.visible():
                self._sections.record(index, names)

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
        source = RandomChanges(self.company, seed, weights)
        seen = 0

        def hook(request: Request) -> None:
            nonlocal seen
            if request.path.startswith(path):
                seen += 1
                if seen % every == 0:
                    source.apply(changes)

        self.hooks.append(hook)
        return source

    def handle(self, method: str, target: str, headers: Message, body: bytes, connection: Connection) -> None:
        """Respond to one request on its connection."""
        url = urlsplit(target)
        params = dict(parse_qsl(url.query, keep_blank_values=True))
        is_api = url.path.startswith(API_ROOT + "/")
        with self._lock:
            self._request_count += 1
            number = self._request_count
        path = url.path[len(API_ROOT) :] if is_api else url.path
        request = Request(method, target, path, params, dict(headers.items()), body, number=number)
        entry = self._log_request(request)
        switches = self.switches
        if is_api:
            self.company.count_request()
            for hook in list(self.hooks):
                with self.company.lock:
                    hook(request)
        if switches.latency and connection.wait(switches.latency):
            return

        def respond(to: Request) -> Response:
            return self._respond(to, switches, is_api=is_api)

        rule = self.faults.next_fault(request)

        def before_send(response: Response | None) -> None:
            if response is not None:
                entry.status, entry.results = response.status, response.results
                entry.page, entry.per_page = response.page, response.per_page
            if rule is not None and entry.fault is None:
                entry.fault = rule.do
                self.faults.mark_served(rule)

        connection.before_send, connection.now = before_send, self.clock.wall
        if rule is None:
            connection.send(respond(request), compress=switches.gzip)
        else:
            FAULTS[rule.do](FaultContext(request, connection, self.clock, respond, rule.options))
        entry.finished = self.clock.monotonic()

    def _log_request(self, request: Request) -> Entry:
        entry = self.log.open(self.clock.monotonic(), self.clock.wall(), request.method, request.path)
        entry.params = {name: "***" if name == "access_token" else text for name, text in request.params.items()}
        entry.sent_token = "access_token" in request.params or "Authorization" in request.headers
        entry.sent_secret = any(word in request.body for word in (b"client_secret", b"password"))
        entry.agent = request.headers.get("User-Agent", "")
        entry.host = request.headers.get("Host", "")
        return entry

    def _respond(self, request: Request, switches: Switches, *, is_api: bool) -> Response:
        if len(request.target) > switches.max_url:
            return error(HTTPStatus.REQUEST_URI_TOO_LONG, "The URL is too long.", "problem")
        if not is_api and request.path != TOKEN_PATH:
            return error(HTTPStatus.NOT_FOUND, "There is nothing here.", "status_code")
        refusal, headers = self._rate_limiter.acquire(switches.rate_limit, switches.limit_headers)
        if refusal is not None:
            response = refusal
        else:
            response = self._route(request, switches) if is_api else self.tokens.handle(request, switches)
        response.headers.update(headers)
        return response

    def _route(self, request: Request, switches: Switches) -> Response:
        user = self.tokens.check(request, switches)
        if isinstance(user, Response):
            return user
        if request.method != "GET":
            return error(HTTPStatus.METHOD_NOT_ALLOWED, "This emulator is read-only.", "error", Allow="GET")
        refusals = (
            (HTTPStatus.FORBIDDEN, "This account may not do that.", switches.forbidden),
            (HTTPStatus.NOT_FOUND, "Not found.", switches.missing),
        )
        for status, detail, paths in refusals:
            if any(request.path.startswith(prefix) for prefix in paths.split(",") if prefix):
                return error(status, detail, "problem")
        found = self.router.find(request.path)
        if found is None:
            return error(HTTPStatus.NOT_FOUND, f"No such resource: {request.path}", "error")
        handler, values = found
        try:
            return handler(request, user, **values)
        except ParameterError as invalid:
            name, detail = invalid.args
            return error(HTTPStatus.BAD_REQUEST, f"{name} {detail}", "problem", parameter=name)

    def _work_orders(self, request: Request, user: str) -> Response:
        with self.company.lock:
            view = self._saved_views.of(user, request.params.get("stickyName", ""), self.switches.remembered_list)
            query = parse(request.params, view, self.switches)
            return page_response(self._selections, self._sections, query, request, self.switches)
