"""The settings: one table, from which the config's JSON Schema, its messages and the docs are made."""

from __future__ import annotations

import contextlib
import re
import typing as t
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal

from singer_sdk import typing as th

from tap_fieldnation.api.errors import SettingsError
from tap_fieldnation.environment import variable

if t.TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

ENVIRONMENTS: t.Mapping[str, str] = {
    "production": "https://api.fieldnation.com",
    "sandbox": "https://api-sandbox.fndev.net",
}
# Of a date: days and months before and after it have to be dates too.
FIRST_YEAR, LAST_YEAR = 1900, 2999
SECRETS = ("client_id", "client_secret", "username", "password")


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        name: In a config; `TAP_FIELDNATION_<NAME>` in the environment.
        kind: Its type, with its bounds.
        title: A few words.
        description: What it does, for the docs.
        expected: What a usable value is, for messages.
        default: Its value where it is not given.
        required: Whether it has to be given.
        most: The largest number that can be reckoned with; no NaN is.
    """

    name: str
    kind: t.Any
    title: str
    description: str
    expected: str
    default: t.Any = None
    required: bool = False
    most: float = 1e9

    @property
    def secret(self) -> bool:
        """Whether its value must never be shown."""
        return self.name in SECRETS


SETTINGS = (
    Setting(
        "client_id",
        th.StringType(min_length=1),
        "Client ID",
        "OAuth 2.0 client id, as Field Nation gave it out for this environment.",
        "the OAuth 2.0 client id",
        required=True,
    ),
    Setting(
        "client_secret",
        th.StringType(min_length=1),
        "Client secret",
        "OAuth 2.0 client secret that belongs to the client id.",
        "the OAuth 2.0 client secret",
        required=True,
    ),
    Setting(
        "username",
        th.StringType(min_length=1),
        "User name",
        "With `password`: log in by the password grant instead of client credentials, for accounts that need it.",
        "the API user's name",
    ),
    Setting(
        "password",
        th.StringType(min_length=1),
        "Password",
        "With `username`: the API user's password.",
        "the API user's password",
    ),
    Setting(
        "environment",
        th.StringType(allowed_values=list(ENVIRONMENTS)),
        "Environment",
        "Which Field Nation to read: `production` or `sandbox`; credentials belong to one of them.",
        "production or sandbox",
        default="production",
    ),
    Setting(
        "api_url",
        th.StringType,
        "API URL",
        "Another origin than the environment's (an emulator, a proxy), without a path: `https://…`, "
        "or `http://…` on a loopback host only.",
        "an origin such as https://api.fieldnation.com",
    ),
    Setting(
        "access_token_location",
        th.StringType(allowed_values=["query", "header"]),
        "Access token location",
        "Where the token travels: in the `query` (as Field Nation documents it) or in the `header`.",
        "query or header",
        default="query",
    ),
    Setting(
        "start_date",
        th.DateTimeType,
        "Start date",
        "Only work orders created on or after that day (UTC) are read, open or not.",
        "a date from 1900 to 2999, such as 2026-01-31 or 2026-01-31T00:00:00Z",
    ),
    Setting(
        "end_date",
        th.DateTimeType,
        "End date",
        "Only work orders created on or before that day (UTC): a bounded backfill, "
        "which leaves the incremental state as it was.",
        "a date from 1900 to 2999, such as 2026-01-31 or 2026-01-31T00:00:00Z",
    ),
    Setting(
        "company_id",
        th.IntegerType(minimum=1),
        "Company ID",
        "Needed for `networks` and `site_revisit_reasons` only where the account has no work order to take it from; "
        "it filters nothing.",
        "an integer",
        most=2**63 - 1,
    ),
    Setting(
        "page_size",
        th.IntegerType(minimum=1, maximum=100),
        "Page size",
        "Work orders a request.",
        "an integer from 1 to 100",
        default=100,
    ),
    Setting(
        "requests_per_minute",
        th.NumberType(exclusive_minimum=0),
        "Requests per minute",
        "The budget of the whole run, token requests and retries included. Field Nation documents 60 a minute for a "
        "company, all its integrations together: the default leaves room for them.",
        "a number above 0",
        default=50,
    ),
    Setting(
        "max_concurrent_requests",
        th.IntegerType(minimum=1, maximum=16),
        "Concurrent requests",
        "Requests in flight at the same time, where reading ahead is safe.",
        "an integer from 1 to 16",
        default=4,
    ),
    Setting(
        "request_timeout",
        th.NumberType(exclusive_minimum=0),
        "Request timeout",
        "Seconds that the server may stay silent before a request is tried again (connecting: 10 s).",
        "a number of seconds above 0",
        default=120,
    ),
    Setting(
        "max_retries",
        th.IntegerType(minimum=0),
        "Retries",
        "Tries after the first, per request.",
        "an integer, 0 or more",
        default=6,
    ),
    Setting(
        "reconcile_days",
        th.NumberType(minimum=0),
        "Reconcile days",
        "Closed work orders are read again so that each is at most this many days old; 0 = never.",
        "a number of days from 0 to 36500",
        default=30,
        most=36_500,
    ),
    Setting(
        "accept_mass_removals",
        th.BooleanType,
        "Accept mass removals",
        "Record removals even where most of the open work orders disappear in one run, which otherwise ends with an "
        "error, as it looks like a fault of the API or other credentials. Set it for one run.",
        "true or false",
        default=False,
    ),
    Setting(
        "max_minutes",
        th.NumberType(exclusive_minimum=0),
        "Time limit",
        "Minutes after which the run stops cleanly; the next one goes on there. No wait outlasts it.",
        "a number of minutes above 0",
    ),
    Setting(
        "progress",
        th.BooleanType,
        "Progress",
        "Progress lines on stderr every 15 seconds, or a bar where that is a terminal.",
        "true or false",
        default=True,
    ),
    Setting(
        "user_agent",
        th.StringType,
        "User agent",
        "Sent in place of `tap-fieldnation/VERSION`.",
        "a text in ASCII",
    ),
)
SDK_BOUNDS: t.Mapping[str, dict[str, int]] = {
    "flattening_max_depth": {"minimum": 0},
    "flattening_max_key_length": {"minimum": 1},
}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ]|$)")
BY_NAME = {setting.name: setting for setting in SETTINGS}


def config_jsonschema() -> dict[str, t.Any]:
    """The config's JSON Schema, as the SDK and Meltano's Hub read it."""
    return t.cast(
        "dict[str, t.Any]",
        th.PropertiesList(
            *(
                th.Property(
                    setting.name,
                    setting.kind,
                    title=setting.title,
                    description=setting.description,
                    default=setting.default,
                    required=setting.required,
                    secret=setting.secret,
                )
                for setting in SETTINGS
            )
        ).to_dict(),
    )


def completed(name: str, schema: t.Any) -> t.Any:
    """The JSON Schema of one of the SDK's settings, with bounds, and without what is no schema in it.

    In singer-sdk 0.54 there is a text among the alternatives of `__else__`, on which the validation would fail.
    """
    if isinstance(schema, list):
        return [completed("", item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: completed("", value) for key, value in schema.items()}
    if "anyOf" in found:
        found["anyOf"] = [item for item in found["anyOf"] if isinstance(item, dict)]
    return found | SDK_BOUNDS.get(name, {})


def without_flattening(config: Mapping[str, t.Any]) -> list[str]:
    """The settings of flattening that are given while nothing says whether to flatten."""
    if config.get("flattening_enabled") is not None:
        return []
    return [name for name, value in config.items() if name.startswith("flattening_") and value is not None]


def check(config: MutableMapping[str, t.Any], invalid: Mapping[str, str], exported: t.Collection[str] = ()) -> None:
    """Refuse a config that cannot work.

    Args:
        config: The settings, defaults filled in; those that are null get theirs here.
        invalid: The settings that the JSON Schema refuses, and where in them.
        exported: Settings that environment variables hold, which this run does not read.

    Raises:
        SettingsError: One sentence: which setting, and what is expected; never a value.
    """
    for setting in SETTINGS:
        _check_one(setting, config, invalid, exported)
    for name in sorted(invalid.keys() - BY_NAME.keys()):
        place = "it" if invalid[name] == name else invalid[name]
        raise SettingsError(f"Setting {name} cannot be used: see `tap-fieldnation --about` for what {place} may be.")
    for one, other in (("username", "password"), ("password", "username")):
        if config.get(one) and not config.get(other):
            raise SettingsError(f"Setting {one} is given without {other}: give both (password grant), or neither.")
    start, end = day(config, "start_date"), day(config, "end_date")
    if start and end and start > end:
        raise SettingsError("Setting start_date is after end_date: it must be the same day or an earlier one.")


def _check_one(
    setting: Setting,
    config: MutableMapping[str, t.Any],
    refused: t.Collection[str],
    exported: t.Collection[str],
) -> None:
    value = config.get(setting.name)
    if value is None or (setting.required and value == ""):
        if setting.required and setting.name in exported:
            raise SettingsError(
                f"Setting {setting.name} is missing, and the environment is not read: add --config=ENV for "
                f"{variable(setting.name)}, which is set there."
            )
        if setting.required:
            raise SettingsError(
                f"Setting {setting.name} is missing: give {setting.expected}, in a file (--config config.json) or as "
                f"{variable(setting.name)} in the environment (--config=ENV)."
            )
        if setting.default is not None:
            config[setting.name] = setting.default
    elif setting.secret and isinstance(value, str) and value != value.strip():
        raise SettingsError(f"Setting {setting.name} has space around it: give it without.")
    elif setting.name in refused or not _usable(setting, value):
        raise SettingsError(f"Setting {setting.name} cannot be used: it must be {setting.expected}.")


def origin(config: Mapping[str, t.Any]) -> str:
    """Scheme and host of the API."""
    return str(config.get("api_url") or ENVIRONMENTS[config["environment"]])


def day(config: Mapping[str, t.Any], name: str) -> date | None:
    """The UTC day of a date setting.

    Raises:
        SettingsError: It is no date, or one that cannot be reckoned with.
    """
    text = config.get(name)
    if text is None:
        return None
    moment = None
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        # Checked besides, because what else is taken for a date differs between versions of Python.
        if _DATE.match(text):
            at = datetime.fromisoformat(f"{text[:-1]}+00:00" if text[-1] in "zZ" else text)
            moment = at.astimezone(timezone.utc) if at.tzinfo else at
    if moment is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise SettingsError(f"Setting {name} cannot be used: it must be {BY_NAME[name].expected}.")
    return moment.date()


def _usable(setting: Setting, value: object) -> bool:
    """Whether a value of the right type is one that the run can work with."""
    if setting.name == "user_agent":
        return isinstance(value, str) and value.isascii() and value.isprintable()
    if isinstance(value, (int, float, Decimal)):
        return abs(t.cast("float", value)) <= setting.most
    return True
