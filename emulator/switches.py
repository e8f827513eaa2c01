"""Switches for behaviour that the documentation of the API leaves open or contradicts itself about."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.json import Json


@dataclass(frozen=True)
class Switches:
    """All switches; set each by name in `Emulator(...)` or with `--switch name=value`."""

    # Requests per minute and company, as the platform overview documents it; 0 = no limit.
    rate_limit: int = 60
    # Prefix of the rate limit headers: X-RateLimit, or X-Rate-Limit on another page.
    limit_headers: str = "X-RateLimit"
    # Seconds that every API response is delayed.
    latency: float = 0.0
    # Lifetime of an access token in seconds (3600 in every version of the documentation).
    token_seconds: int = 3600
    # Which grants the token endpoint accepts; some accounts may not use one of them.
    client_credentials: bool = True
    password_grant: bool = True
    # Where an API request may carry its access token.
    query_token: bool = True
    header_token: bool = True
    # Respond to an expired token with 400 instead of 401, as in the older reference.
    expired_as_400: bool = False
    # Maximum number of work orders on a page.
    page_cap: int = 100
    # The supported filter by creation date: f_created_date, f_created, or none.
    created_filter: str = "f_created_date"
    # Time zone of a date filter: utc, or site (that of the work order).
    filter_zone: str = "utc"
    # Past the last page, repeat the last page instead of sending an empty one.
    repeat_last_page: bool = False
    # Maximum length of a URL, in characters.
    max_url: int = 8000
    # The list remembered for a user who never set one (workorders_assigned was observed).
    remembered_list: str = "workorders_assigned"
    # For how many requests, and seconds, about half of the new work orders stay invisible.
    late_ids: int = 0
    late_seconds: float = 0.0
    # Maximum number of rows in an embedded list (None = all); its metadata always counts all.
    embedded_cut: int | None = None
    # How many rows the metadata of an embedded list counts besides those that the caller may see.
    embedded_hidden: int = 0
    # Work orders have the keys that only production payloads have, and `stalled` as an object.
    production_keys: bool = True
    # Company lists ignore `columns` and send ids only.
    ignore_columns: bool = False
    # The metadata of lists other than that of work orders: full, no-pages, strings, or none.
    list_metadata: str = "full"
    # `pages` in it, whatever the number of rows (None = the true one).
    list_pages: int | None = None
    # How many rows its `total` counts besides those that the caller may see.
    list_hidden: int = 0
    # The key of the rows of these lists.
    list_rows: str = "results"
    # Names of keys in company lists: reference, or guides (`address1`, `name` for `label`, dates as text).
    spelling: str = "reference"
    # /clients has deactivated and deleted clients, on request (`f_deactivated`, `f_deleted`), always, or never.
    inactive_clients: str = "on-request"
    # Which filters of /workorders the response repeats: all, or none as in the OpenAPI file.
    filter_echo: bool = True
    # How many work orders `total` of /workorders counts besides those that it returns.
    total_surplus: int = 0
    # /workorders/{id}/providers requires `list`, as on an older page.
    require_provider_list: bool = False
    # It is a bare array (as in the OpenAPI file), or has an envelope with pages (as on that page).
    provider_envelope: bool = False
    # How many further providers of the marketplace it has, without a request.
    marketplace: int = 0
    # The key of the time in a request: schedule, service_window or eta; its expenses are an array in the last two.
    counter_offer: str = "schedule"
    # Counts in `publish_stats`: all, only `requests` (OpenAPI file), or total-only: the others are 0 (one payload).
    publish_stats: str = "all"
    # How /service-territories is paged, which is not documented: metadata, cursor, or none.
    territory_paging: str = "metadata"
    # Dotted paths of values in /workorders (comma-separated) that are another number in each response.
    restless: str = ""
    # Path prefixes (below /api/rest/v2, comma-separated) that respond with 403 or 404.
    forbidden: str = ""
    missing: str = ""
    # Compress responses for clients that accept it.
    gzip: bool = False

    def changed(self, **values: Json) -> Switches:
        """A copy with some switches changed. TypeError for an unknown name."""
        known = {switch.name for switch in fields(self)}
        for name in values:
            if name not in known:
                raise TypeError(f"no such switch: {name} (available: {', '.join(sorted(known))})")
        return replace(self, **values)

    def parsed(self, settings: list[str]) -> Switches:
        """A copy with switches from the command line: `name` or `name=value`. ValueError if one is invalid."""
        values: dict[str, Json] = {}
        for setting in settings:
            name, separator, text = setting.partition("=")
            name = name.strip().replace("-", "_")
            if name not in {switch.name for switch in fields(self)}:
                raise ValueError(f"no such switch: {name}")
            values[name] = _value(getattr(self, name), text or ("" if separator else "true"), name)
        return replace(self, **values)


def _value(default: Json, text: str, name: str) -> Json:
    if isinstance(default, bool):
        return text.lower() in ("1", "true", "yes", "on")
    try:
        if isinstance(default, int) or default is None:
            return int(text)
        return float(text) if isinstance(default, float) else text
    except ValueError:
        raise ValueError(f"switch {name} needs a number, not {text!r}") from None
