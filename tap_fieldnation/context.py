"""What the streams and commands of a run share: the origin and the days to read, the clock, and the API client."""

from __future__ import annotations

import functools
import typing as t

from tap_fieldnation import settings
from tap_fieldnation.api import paging
from tap_fieldnation.api.auth import FieldNationAuthenticator
from tap_fieldnation.api.client import Client
from tap_fieldnation.api.clock import Clock
from tap_fieldnation.api.errors import Action, ApiError
from tap_fieldnation.api.rate_limiter import RateLimiter
from tap_fieldnation.api.requester import Requester
from tap_fieldnation.api.transport import TokenLocation, Transport
from tap_fieldnation.api.work_orders import WorkOrders
from tap_fieldnation.reading import cursor
from tap_fieldnation.reading.lifecycle import check_company, companies_of

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    from tap_fieldnation.api.work_orders import Record

# Templates name their company too (OpenAPI: the model WoTemplateDto).
TEMPLATES = "/templates"


class RunContext:
    """One run. No request is made before a method needs it.

    Args:
        config: The validated settings.
        user_agent: The `User-Agent` header, unless the setting of that name is set.
        logger: Where the client reports waits and retries.

    Attributes:
        started_at: When the sync began, UTC, or None.
        stopped_stream: The stream that was being read when the time limit was reached, or None.
    """

    def __init__(self, config: Mapping[str, t.Any], *, user_agent: str, logger: logging.Logger) -> None:
        self.config = config
        self.started_at: datetime | None = None
        self.stopped_stream: str | None = None
        self._user_agent = user_agent
        self._company_id: int | None = None
        self._company_in_state: int | None = None
        self._company_searched = False
        self._logger = logger

    @property
    def origin(self) -> str:
        """Scheme and host of the API."""
        return settings.origin(self.config)

    @property
    def date_range(self) -> tuple[date | None, date | None]:
        """The first and the last creation day to read, UTC; None for an open end."""
        since, until = settings.day(self.config, "start_date"), settings.day(self.config, "end_date")
        # STATE holds no earlier day, and no account is that old.
        return since and max(since, cursor.EARLIEST), until

    @property
    def known_company_id(self) -> int | None:
        """The id of the company, if it is already known; otherwise the setting."""
        return self._company_id or self._company_in_state or self.config.get("company_id")

    @functools.cached_property
    def clock(self) -> Clock:
        """The clock, which knows the time limit."""
        minutes = self.config.get("max_minutes")
        return Clock(time_limit=None if minutes is None else 60.0 * float(minutes))

    @functools.cached_property
    def transport(self) -> Transport:
        """The HTTP session."""
        return Transport(
            self.origin,
            user_agent=self.config.get("user_agent") or self._user_agent,
            token_location=TokenLocation(self.config["access_token_location"]),
            timeout=float(self.config["request_timeout"]),
            max_connections=self.config["max_concurrent_requests"],
            host_is_set=bool(self.config.get("api_url")),
            clock=self.clock,
        )

    @functools.cached_property
    def client(self) -> Client:
        """The API client: one rate limit and one access token for the whole run."""
        return Client(self.requester, self.authenticator, max_in_flight=self.config["max_concurrent_requests"])

    @functools.cached_property
    def requester(self) -> Requester:
        """Sends the requests of the client and the authenticator."""
        rate_limiter = RateLimiter(
            float(self.config["requests_per_minute"]), self.config["max_concurrent_requests"], self.clock
        )
        return Requester(
            self.transport, rate_limiter, self.clock, max_retries=self.config["max_retries"], logger=self._logger
        )

    @functools.cached_property
    def authenticator(self) -> FieldNationAuthenticator:
        """The OAuth 2.0 authenticator that all streams share."""
        return FieldNationAuthenticator(
            client_id=self.config["client_id"],
            client_secret=self.config["client_secret"],
            username=self.config.get("username"),
            password=self.config.get("password"),
            environment=self.config.get("api_url") or self.config["environment"],
            requester=self.requester,
            clock=self.clock,
        )

    def begin(self) -> None:
        """Record that a stream is being synced: the sync begins with the first one."""
        self.started_at = self.started_at or self.clock.utc_now()

    def find_company_id(self) -> int | None:
        """The id of the company: from work orders or a template, otherwise from STATE, otherwise from the setting.

        This takes a request if no work order was read yet, and another one if none shows it and STATE neither.

        Raises:
            StateError: STATE belongs to another company.
            TapError: A request failed for a reason that may pass, or the token was rejected.
        """
        if self._company_id is None and not self._company_searched:
            found = self._companies_in(self._newest_work_orders)
            if self._company_in_state is not None:
                check_company(self._company_in_state, found)
            elif not found:
                found = self._companies_in(self._first_template)
            self._company_id = self._company_in_state or min(found, default=None)
            self._company_searched = True
        return self.known_company_id

    def _newest_work_orders(self) -> Sequence[Record]:
        return WorkOrders(self.client, ["company"], paging.MAX_PAGE_SIZE).page(1, {}).records

    def _first_template(self) -> Sequence[object]:
        params = {"columns": "company", "page": 1, "per_page": 1}
        return next(paging.pages(self.client, TEMPLATES, params, stream="templates")).rows

    def _companies_in(self, request: Callable[[], Sequence[object]]) -> set[int]:
        """The ids of the companies that the rows of a response show."""
        try:
            rows = request()
        except ApiError as error:
            if error.rule.action not in {Action.SKIP, Action.FAIL}:
                raise
            return set()
        return companies_of(row for row in rows if isinstance(row, dict))

    def expect_company(self, company_id: int | None) -> None:
        """Keep the id of the company that STATE belongs to, which may be another one than that of the credentials."""
        self._company_in_state = company_id

    def remember_company(self, company_id: int | None) -> None:
        """Keep the company's id once a work order showed it, so that no further request is needed for it."""
        self._company_id = company_id or self._company_id

    def stop_at_deadline(self, stream: str) -> None:
        """Remember that the time limit was reached while this stream was being read."""
        self.stopped_stream = self.stopped_stream or stream
