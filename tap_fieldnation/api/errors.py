"""The exceptions, and a table of what can go wrong: the HTTP status, what the tap does, and the advice for the user.

The text of every exception is one sentence for the user: the last line on stderr.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, replace
from enum import Enum
from http import HTTPStatus

from tap_fieldnation.api.redact import clean, excerpt


class TapError(Exception):
    """An expected failure. Its text is one sentence: what is wrong, where, and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(clean(sentence))


class SettingsError(TapError):
    """A setting is missing or cannot be used."""


class StateError(TapError):
    """The STATE that the run was given cannot be used."""


class CatalogError(TapError):
    """The catalog that the run was given cannot be used."""


class CredentialsError(TapError):
    """Field Nation rejects the credentials, the grant or the token."""


class TokenRefusedError(CredentialsError):
    """A request was rejected even with a new token. Older pages document the same status for an unknown record id."""


class DeadlineExceeded(Exception):  # noqa: N818  (not a failure: the run stops, resumable)
    """The time limit of ``max_minutes`` is reached: the run stops, and the next one continues."""


class Action(Enum):
    """How the tap handles a failed request."""

    RETRY = "retry"
    RECONNECT = "retry, in a sync"
    WAIT = "wait"
    RENEW = "renew the token"
    SKIP = "skip"
    FAIL = "fail"


@dataclass(frozen=True)
class Rule:
    """One row of the table.

    Attributes:
        action: What the tap does.
        advice: What the user can do if the request still fails.
    """

    action: Action
    advice: str


_BUG = "this looks like a bug in tap-fieldnation: please report it with this line"
_LATER = "the API keeps failing: check Field Nation's status page, and run again later (no data is lost)"

RULES: t.Mapping[int, Rule] = {
    HTTPStatus.BAD_REQUEST: Rule(Action.FAIL, _BUG),
    HTTPStatus.UNAUTHORIZED: Rule(Action.RENEW, "check client_id, client_secret and environment"),
    HTTPStatus.FORBIDDEN: Rule(Action.SKIP, "ask for permission for this API user, or deselect the stream"),
    HTTPStatus.NOT_FOUND: Rule(
        Action.SKIP, "check environment and api_url; if they are correct, this account has no such resource"
    ),
    HTTPStatus.REQUEST_TIMEOUT: Rule(Action.RETRY, _LATER),
    HTTPStatus.REQUEST_URI_TOO_LONG: Rule(
        Action.FAIL, "the request URL is too long for the server: select fewer streams, or report this line"
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: Rule(Action.FAIL, _BUG),
    HTTPStatus.TOO_MANY_REQUESTS: Rule(
        Action.WAIT,
        "the rate limit is shared with other integrations of this company: "
        "lower requests_per_minute, or run at another time (no data is lost)",
    ),
}
_SERVER_ERROR = Rule(Action.RETRY, _LATER)
_REDIRECT = Rule(Action.FAIL, "redirects are not followed, to protect the token: check api_url")
_NOT_HTTP = Rule(
    Action.FAIL, "a server or a proxy sent no final response: check api_url and the proxy, if there is one"
)
_OTHER_STATUS = Rule(Action.FAIL, _BUG)
_NO_RESPONSE = Rule(Action.RETRY, "check the network, and run again (no data is lost)")

# For a rejected token, by a word in the reason. The first pattern that matches counts; if none does, the row above.
TOKEN_RULES: t.Sequence[tuple[re.Pattern[str], Rule]] = (
    (
        re.compile(r"(?i)expired"),
        Rule(
            Action.RENEW,
            "a new token is rejected as expired too: run again later, and contact Field Nation if it persists",
        ),
    ),
    (
        re.compile(r"(?i)invalid|malformed|corrupt"),
        Rule(
            Action.RENEW,
            "a new token is rejected as invalid too: check whether a proxy alters it, or try the other "
            "access_token_location",
        ),
    ),
)


class LoginRule(t.NamedTuple):
    """One row of the table for the token endpoint: the advice for each of the two grants."""

    client: str
    password: str


_ENABLE = "ask Field Nation to enable it"
_USE_PASSWORD = f"set username and password for the password grant, or {_ENABLE}"
_CORRECT = "are correct, have no spaces around them and belong to this environment"
# The API's response is the same whether they are wrong, contain spaces, or belong to the other environment.
_CREDENTIALS = LoginRule(
    f"check that client_id and client_secret {_CORRECT}; some accounts need username and password too",
    f"check that client_id, client_secret, username and password {_CORRECT}",
)
_GRANT = LoginRule(
    f"the client-credentials grant is not enabled for this client: {_USE_PASSWORD}",
    f"the password grant is not enabled for this client: {_ENABLE}",
)
_SCOPE = LoginRule(
    f"the scope is not enabled for this client: {_USE_PASSWORD}", f"the scope is not enabled for this client: {_ENABLE}"
)

# By the error code of OAuth 2.0 (RFC 6749, section 5.2).
LOGIN_RULES: t.Mapping[str, LoginRule] = {
    "invalid_client": _CREDENTIALS,
    "invalid_grant": _CREDENTIALS,  # a wrong user name or password
    "unsupported_grant_type": _GRANT,
    "unauthorized_client": _GRANT,
    "invalid_scope": _SCOPE,
}


def login_rule_for(code: str, reason: str) -> LoginRule:
    """The row for an error of the token endpoint; some responses mention the grant only in their reason."""
    if code in LOGIN_RULES:
        return LOGIN_RULES[code]
    return _GRANT if "grant" in reason.lower() else _CREDENTIALS


_EXPIRED_TOKEN = re.compile(r"(?i)\b(expired|invalid)(\b.{0,20}\b|_)token\b|\btoken\b.{0,40}\b(expired|invalid)\b")


def rule_for(status: int, reason: str = "") -> Rule:
    """The row for an HTTP status. Older pages document an expired token as a 400 with a reason that says so."""
    if status == HTTPStatus.UNAUTHORIZED or (status == HTTPStatus.BAD_REQUEST and _EXPIRED_TOKEN.search(reason)):
        default = RULES[HTTPStatus.UNAUTHORIZED]
        return next((rule for pattern, rule in TOKEN_RULES if pattern.search(reason)), default)
    if status in RULES:
        return RULES[status]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _SERVER_ERROR
    if status < HTTPStatus.OK:
        return _NOT_HTTP
    return _REDIRECT if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST else _OTHER_STATUS


class ApiError(TapError):
    """A request failed: an HTTP error, an unusable response, or no response.

    Attributes:
        path: The path requested, without its query.
        status: The HTTP status, or None if there was no response.
        reason: An excerpt of the API's own reason, or what is wrong with the response; redacted.
        code: The OAuth 2.0 error code, or ""; redacted.
        rule: The row of the table for it.
        problem: What happened and where, without the advice: for a log line about a retry.
        retry_after: Seconds to wait, as the API asks (`Retry-After`), or None.
        retry_in: Seconds until the next attempt, once that is decided.
    """

    def __init__(
        self,
        path: str,
        status: int | None,
        reason: str,
        *,
        rule: Rule | None = None,
        code: str = "",
        retry_after: float | None = None,
        correlation_id: str | None = None,
        stream: str = "",
    ) -> None:
        self.path, self.status, self.reason, self.code = path, status, excerpt(reason), excerpt(code)
        self.rule = rule or (_NO_RESPONSE if status is None else rule_for(status, reason))
        self.retry_after, self.retry_in = retry_after, 0.0
        outcome = "could not be read" if status is None else f"returned HTTP {status}"
        known_as = f"; correlation id {excerpt(correlation_id)}" if correlation_id else ""
        why = f" ({self.reason}{known_as})" if reason else ""
        self.problem = clean(f"{f'{stream}: ' if stream else ''}{path} {outcome}{why}")
        super().__init__(f"{self.problem}: {self.rule.advice}.")

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.rule.action in {Action.RETRY, Action.RECONNECT, Action.WAIT}

    def add_stream(self, stream: str) -> None:
        """Name the stream that needed the request, if there is one."""
        if stream:
            self.args, self.problem = (f"{stream}: {self}",), f"{stream}: {self.problem}"

    def end_retries(self) -> None:
        """Make it final, so that no caller retries a request whose retries are used up."""
        if self.is_retryable:
            self.rule = replace(self.rule, action=Action.FAIL)


def reason_of(body: object) -> str:
    """The reason in an error body, from the first documented field that has one; "" if none has."""
    if not isinstance(body, dict):
        return ""
    error, errors = body.get("error"), body.get("errors")
    candidates = (
        body.get("detail"),
        body.get("error_description"),
        error.get("message") if isinstance(error, dict) else None,
        errors[0].get("message") or errors[0].get("detail")
        if isinstance(errors, list) and errors and isinstance(errors[0], dict)
        else None,
        body.get("message"),
        body.get("title"),
        error,
    )
    return next((text for text in candidates if isinstance(text, str) and text), "")
