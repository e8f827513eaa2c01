"""What can go wrong, as one table: status -> what the tap does -> what the user is told to do.

Every exception here is one sentence for the user; `str()` of it is what stderr ends with.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, replace
from enum import Enum

from tap_fieldnation.api.redact import excerpt, redact


class TapError(Exception):
    """A foreseen failure. Its text is one sentence: what is wrong, where, and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(redact(sentence))


class SettingsError(TapError):
    """A setting is missing or cannot be used."""


class StateError(TapError):
    """The STATE that the run was given cannot be used."""


class CatalogError(TapError):
    """The catalog that the run was given cannot be used."""


class CredentialsError(TapError):
    """Field Nation refuses the credentials, the grant or the token."""


class TokenRefusedError(CredentialsError):
    """A request was refused with a new token too. Older pages document it for an unknown id of a record as well."""


class DeadlineExceeded(Exception):  # noqa: N818  (not a failure: the run stops, resumable)
    """The time limit of ``max_minutes`` is reached: the run stops, and the next one continues."""


class Action(Enum):
    """What the tap does about an answer."""

    RETRY = "retry"
    WAIT = "wait"
    RENEW = "renew the token"
    SKIP = "skip"
    FAIL = "fail"


@dataclass(frozen=True)
class Rule:
    """One row of the table.

    Attributes:
        action: What the tap does at first.
        advice: What the user is told once that did not help.
    """

    action: Action
    advice: str


_BUG = "this looks like a fault of tap-fieldnation: please report it with this line"
_LATER = "Field Nation has trouble answering: see its status page, and run again later (nothing is lost)"

RULES: t.Mapping[int, Rule] = {
    400: Rule(Action.FAIL, _BUG),
    401: Rule(Action.RENEW, "check client_id, client_secret and environment"),
    403: Rule(Action.SKIP, "ask for permission for this API user, or deselect the stream"),
    404: Rule(Action.SKIP, "check environment and api_url; if they are right, this account has no such resource"),
    408: Rule(Action.RETRY, _LATER),
    414: Rule(Action.FAIL, "the request is too long for the server: select fewer streams, or report it"),
    422: Rule(Action.FAIL, _BUG),
    429: Rule(
        Action.WAIT,
        "the request budget is shared with other integrations of this company: "
        "lower requests_per_minute, or run at another time (nothing is lost)",
    ),
}
_SERVER = Rule(Action.RETRY, _LATER)
_REDIRECT = Rule(Action.FAIL, "redirects are not followed, for the token's sake: check api_url")
_OTHER = Rule(Action.FAIL, _BUG)
_CONNECTION = Rule(Action.RETRY, "check the network, a proxy and api_url, and run again (nothing is lost)")

# The refusal of a token that was given a moment ago, by a word in the reason; the first that fits, else the row above.
TOKEN_RULES: t.Sequence[tuple[re.Pattern[str], Rule]] = (
    (
        re.compile(r"(?i)expired"),
        Rule(Action.RENEW, "a new token counts as ended too: run again later, and ask Field Nation if it stays so"),
    ),
    (
        re.compile(r"(?i)invalid|malformed|corrupt"),
        Rule(
            Action.RENEW,
            "a new token is not known either: see what proxy stands between and may cut it, or try the other "
            "access_token_location",
        ),
    ),
)


class LoginRule(t.NamedTuple):
    """One row of the table for the token endpoint: what the user is told, by the grant that was asked for."""

    client: str
    password: str


_ENABLE = "ask Field Nation to enable it"
_USE_PASSWORD = f"set username and password for the password grant, or {_ENABLE}"
_BELONG = "without space around them, and that they belong to this environment"
# Wrong, with space in them, or of the other environment: the API's answer is the same.
_CREDENTIALS = LoginRule(
    f"check client_id and client_secret, {_BELONG}; some accounts need username and password too",
    f"check client_id and client_secret, username and password, {_BELONG}",
)
_GRANT = LoginRule(
    f"the client-credentials grant is not open to this client: {_USE_PASSWORD}",
    f"the password grant is not open to this client: {_ENABLE}",
)
_SCOPE = LoginRule(
    f"the scope is not open to this client: {_USE_PASSWORD}", f"the scope is not open to this client: {_ENABLE}"
)

# By OAuth 2.0's code (RFC 6749, 5.2), where the answer has one.
LOGIN_RULES: t.Mapping[str, LoginRule] = {
    "invalid_client": _CREDENTIALS,
    "invalid_grant": _CREDENTIALS,  # a wrong user name or password
    "unsupported_grant_type": _GRANT,
    "unauthorized_client": _GRANT,
    "invalid_scope": _SCOPE,
}


def login_rule_for(code: object, reason: str) -> LoginRule:
    """The row for a refusal of the token endpoint; some answers speak of the grant in words only."""
    if isinstance(code, str) and code in LOGIN_RULES:
        return LOGIN_RULES[code]
    return _GRANT if "grant" in reason.lower() else _CREDENTIALS


_ENDED_TOKEN = re.compile(r"(?i)\b(expired|invalid)(\b.{0,20}\b|_)token\b|\btoken\b.{0,40}\b(expired|invalid)\b")


def rule_for(status: int, reason: str = "") -> Rule:
    """The row for an answer's HTTP status; older pages document an ended token as a 400 that speaks of it."""
    if status == 401 or (status == 400 and _ENDED_TOKEN.search(reason)):  # noqa: PLR2004
        return next((rule for words, rule in TOKEN_RULES if words.search(reason)), RULES[401])
    if status in RULES:
        return RULES[status]
    if status >= 500:  # noqa: PLR2004
        return _SERVER
    return _REDIRECT if 300 <= status < 400 else _OTHER  # noqa: PLR2004


class ApiError(TapError):
    """An answer, or the lack of one, that a request could not get past.

    Attributes:
        path: The path asked for, without its query.
        what: What happened, without what to do about it: for whoever tries again.
        status: The HTTP status, or None where no answer came.
        rule: The table's row for it.
        wait: Seconds that the API asks to wait, or None.
    """

    def __init__(
        self,
        path: str,
        status: int | None,
        reason: str,
        *,
        rule: Rule | None = None,
        wait: float | None = None,
        correlation_id: str | None = None,
        stream: str = "",
    ) -> None:
        self.path, self.status, self.wait = path, status, wait
        self.rule = rule or (_CONNECTION if status is None else rule_for(status, reason))
        answer = "could not be read" if status is None else f"was answered with HTTP {status}"
        why = f" ({excerpt(reason)}{f'; correlation id {correlation_id}' if correlation_id else ''})" if reason else ""
        self.what = redact(f"{f'{stream}: ' if stream else ''}{path} {answer}{why}")
        super().__init__(f"{self.what}: {self.rule.advice}.")

    def name(self, stream: str) -> None:
        """Say for which stream it was, where whoever raised it does not know."""
        if stream:
            self.args, self.what = (f"{stream}: {self}",), f"{stream}: {self.what}"

    def end_retries(self) -> None:
        """Enough tries were made: nobody shall make more, neither here nor further up."""
        if self.rule.action in {Action.RETRY, Action.WAIT}:
            self.rule = replace(self.rule, action=Action.FAIL)


def reason_of(body: object) -> str:
    """The API's own reason: the first that is there of the places in which its documentation shows one."""
    if not isinstance(body, dict):
        return ""
    error, errors = body.get("error"), body.get("errors")
    places = (
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
    return next((str(place) for place in places if isinstance(place, str) and place), "")
