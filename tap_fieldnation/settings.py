"""The settings, as a table from which the config's JSON Schema, error messages and documentation are generated."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass
from decimal import Decimal

from singer_sdk import typing as th

from tap_fieldnation.api.errors import SettingsError
from tap_fieldnation.environment import variable
from tap_fieldnation.timestamps import parse_day

if t.TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from datetime import date

ENVIRONMENTS: t.Mapping[str, str] = {
    "production": "https://api.fieldnation.com",
    "sandbox": "https://api-sandbox.fndev.net",
}
# Bounds for dates, with room for calculations before and after them.
FIRST_YEAR, LAST_YEAR = 1900, 2999
SECRETS = ("client_id", "client_secret", "username", "password")


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        name: Its key in a config; `TAP_FIELDNATION_<NAME>` in the environment.
        kind: Its type and bounds.
        title: Its label in Meltano.
        description: What it does, for the documentation.
        expected: What a valid value is, for messages.
        default: Its value if it is not given.
        required: Whether it must be given.
        most: The largest absolute value that is accepted; NaN is always rejected.
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
        "OAuth 2.0 client ID that Field Nation issued for this environment.",
        "the OAuth 2.0 client id",
        required=True,
    ),
    Setting(
        "client_secret",
        th.StringType(min_length=1),
        "Client secret",
        "OAuth 2.0 client secret of this client ID.",
        "the OAuth 2.0 client secret",
        required=True,
    ),
    Setting(
        "username",
        th.StringType(min_length=1),
        "User name",
        "User name for the OAuth 2.0 password grant, for accounts that need it instead of client credentials. "
        "Set `password` too.",
        "the API user's name",
    ),
    Setting(
        "password",
        th.StringType(min_length=1),
        "Password",
        "Password of `username`, for the password grant.",
        "the API user's password",
    ),
    Setting(
        "environment",
        th.StringType(allowed_values=list(ENVIRONMENTS)),
        "Environment",
        "Field Nation's `production` or `sandbox` system. Credentials are valid for one of them only.",
        "production or sandbox",
        default="production",
    ),
    Setting(
        "api_url",
        th.StringType,
        "API URL",
        "Origin of the API if it is not the environment's, such as a proxy or an emulator: `https://HOST` without a "
        "path, or `http://HOST` for a loopback host.",
        "an origin such as https://api.fieldnation.com",
    ),
    Setting(
        "access_token_location",
        th.StringType(allowed_values=["query", "header"]),
        "Access token location",
        "Send the access token in the `query` (as Field Nation documents it) or in the `Authorization` `header`.",
        "query or header",
        default="query",
    ),
    Setting(
        "start_date",
        th.DateTimeType,
        "Start date",
        "Read only work orders created on or after this day (UTC), whether they are open or closed.",
        "a date from 1900 to 2999, such as 2026-01-31 or 2026-01-31T00:00:00Z",
    ),
    Setting(
        "end_date",
        th.DateTimeType,
        "End date",
        "Read only work orders created on or before this day (UTC): a bounded backfill. It does not change where "
        "incremental syncs continue; these include the open work orders that it finds.",
        "a date from 1900 to 2999, such as 2026-01-31 or 2026-01-31T00:00:00Z",
    ),
    Setting(
        "company_id",
        th.IntegerType(minimum=1),
        "Company ID",
        "ID of the company, for its lists, such as `clients`. Needed only if the account has no work order or "
        "template that shows it. It is not a filter.",
        "an integer",
        most=2**63 - 1,
    ),
    Setting(
        "page_size",
        th.IntegerType(minimum=1, maximum=100),
        "Page size",
        "Work orders per request.",
        "an integer from 1 to 100",
        default=100,
    ),
    Setting(
        "requests_per_minute",
        th.NumberType(exclusive_minimum=0),
        "Requests per minute",
        "Rate limit of the whole run, including token requests and retries. Field Nation documents 60 requests a "
        "minute for all integrations of a company together; the default leaves room for others.",
        "a number above 0",
        default=50,
    ),
    Setting(
        "max_concurrent_requests",
        th.IntegerType(minimum=1, maximum=16),
        "Concurrent requests",
        "Maximum number of concurrent requests, used where prefetching is safe.",
        "an integer from 1 to 16",
        default=4,
    ),
    Setting(
        "request_timeout",
        th.NumberType(exclusive_minimum=0),
        "Request timeout",
        "Seconds without data from the server after which a request is retried (10 s for the connection).",
        "a number of seconds above 0",
        default=120,
    ),
    Setting(
        "max_retries",
        th.IntegerType(minimum=0),
        "Retries",
        "How often a failed request is retried.",
        "an integer, 0 or more",
        default=6,
    ),
    Setting(
        "reconcile_days",
        th.NumberType(minimum=0),
        "Reconcile days",
        "Read closed work orders again so that their data is at most this many days old; 0 = never.",
        "a number of days from 0 to 36500",
        default=30,
        most=36_500,
    ),
    Setting(
        "accept_mass_removals",
        th.BooleanType,
        "Accept mass removals",
        "Record removals even if most of the open work orders disappear in one run. Without it such a run fails, "
        "because the cause may be a fault of the API or the wrong credentials. Set it for one run only.",
        "true or false",
        default=False,
    ),
    Setting(
        "max_minutes",
        th.NumberType(exclusive_minimum=0),
        "Time limit",
        "Time limit in minutes. The run stops cleanly, never waits longer, and the next run continues from there.",
        "a number of minutes above 0",
    ),
    Setting(
        "progress",
        th.BooleanType,
        "Progress",
        "Show progress on stderr: a line every 15 seconds, or a bar on a terminal.",
        "true or false",
        default=True,
    ),
    Setting(
        "user_agent",
        th.StringType,
        "User agent",
        "`User-Agent` header to send instead of `tap-fieldnation/VERSION`.",
        "printable ASCII text",
    ),
)
SDK_BOUNDS: t.Mapping[str, dict[str, int]] = {
    "flattening_max_depth": {"minimum": 0},
    "flattening_max_key_length": {"minimum": 1},
}
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
    """The JSON Schema of one of the SDK's settings, with bounds added and invalid parts removed.

    In singer-sdk 0.54, the alternatives of `__else__` include a string instead of a schema, which fails validation.
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
    """The flattening settings that are given although `flattening_enabled` is not."""
    if config.get("flattening_enabled") is not None:
        return []
    return [name for name, value in config.items() if name.startswith("flattening_") and value is not None]


def check(config: MutableMapping[str, t.Any], invalid: Mapping[str, str], exported: t.Collection[str] = ()) -> None:
    """Reject a config that cannot work.

    Args:
        config: The settings with their defaults; null values are replaced with the defaults here.
        invalid: The settings that do not match the JSON Schema, and the path of the mismatch in each.
        exported: Settings for which an environment variable is set that this run does not read.

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
        raise SettingsError(f"Setting {setting.name} has whitespace around it: remove it.")
    elif setting.name in refused or not _usable(setting, value):
        raise SettingsError(f"Setting {setting.name} cannot be used: it must be {setting.expected}.")


def origin(config: Mapping[str, t.Any]) -> str:
    """Scheme and host of the API."""
    return str(config.get("api_url") or ENVIRONMENTS[config["environment"]])


def day(config: Mapping[str, t.Any], name: str) -> date | None:
    """The UTC day of a date setting.

    Raises:
        SettingsError: It is not a date, or out of range.
    """
    text = config.get(name)
    if text is None:
        return None
    found = None
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        found = parse_day(text)
    if found is None or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise SettingsError(f"Setting {name} cannot be used: it must be {BY_NAME[name].expected}.")
    return found


def _usable(setting: Setting, value: object) -> bool:
    """Whether a value of the right type is one that the run can work with."""
    if setting.name == "user_agent":
        return isinstance(value, str) and value.isascii() and value.isprintable()
    if isinstance(value, (int, float, Decimal)):
        return abs(t.cast("float", value)) <= setting.most
    return True
