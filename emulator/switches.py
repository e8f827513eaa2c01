"""Where sources disagree about the real API, or where it may misbehave, a switch takes either side."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.json import Json


@dataclass(frozen=True)
class Switches:
    """All switches; each is given by name to `Emulator(...)` or as `--switch name=value`."""

    # The budget, as the platform overview documents it: per company and minute. 0 switches it off.
    rate_limit: int = 60
    # How the headers that tell of the budget begin: X-RateLimit, or X-Rate-Limit on another page.
    limit_headers: str = "X-RateLimit"
    # Seconds that every answer of the API takes at least.
    latency: float = 0.0
    # Life of a token in seconds (3600 in every version of the documentation).
    token_seconds: int = 3600
    # Which grants the token endpoint takes; some accounts are said to be refused one of them.
    client_credentials: bool = True
    password_grant: bool = True
    # Where an API call may carry its token.
    query_token: bool = True
    header_token: bool = True
    # The older reference answers an expired token with 400 instead of 401.
    expired_as_400: bool = False
    # Most rows a page of work orders may have.
    page_cap: int = 100
    # Name of the creation filter that the server understands: f_created_date, f_created, or none.
    created_filter: str = "f_created_date"
    # The day by which a date filter compares: utc, or site (the work order's own time zone).
    filter_zone: str = "utc"
    # Past the last page: an empty page, or the last one again.
    repeat_last_page: bool = False
    # Longest URL that is taken, in characters.
    max_url: int = 8000
    # The tab that the server remembers for a user who never named one (workorders_assigned was seen).
    remembered_list: str = "workorders_assigned"
    # Requests, and seconds, for which every second new work order stays invisible (0: it shows at once).
    late_ids: int = 0
    late_seconds: float = 0.0
    # Embedded lists show at most so many rows, while their metadata counts all (None: all).
    embedded_cut: int | None = None
    # Company lists ignore `columns` and send bare ids.
    ignore_columns: bool = False
    # How /service-territories is paged, which no page says: metadata, cursor, or none.
    territory_paging: str = "metadata"
    # Path (below /api/rest/v2) whose endpoints answer 403 or 404; several are separated by commas.
    forbidden: str = ""
    missing: str = ""
    # Compress answers for clients that accept it.
    gzip: bool = False

    def changed(self, **values: Json) -> Switches:
        """A copy with some switches set. TypeError for an unknown name."""
        known = {switch.name for switch in fields(self)}
        for name in values:
            if name not in known:
                raise TypeError(f"no such switch: {name} (there are: {', '.join(sorted(known))})")
        return replace(self, **values)

    def parsed(self, settings: list[str]) -> Switches:
        """A copy with switches as a command line gives them: `name` or `name=value`; ValueError."""
        values: dict[str, Json] = {}
        for setting in settings:
            name, given, text = setting.partition("=")
            name = name.strip().replace("-", "_")
            if name not in {switch.name for switch in fields(self)}:
                raise ValueError(f"no such switch: {name}")
            values[name] = _value(getattr(self, name), text or ("true" if not given else ""), name)
        return replace(self, **values)


def _value(default: Json, text: str, name: str) -> Json:
    if isinstance(default, bool):
        return text.lower() in ("1", "true", "yes", "on")
    try:
        if isinstance(default, int) or name == "embedded_cut":
            return int(text)
        return float(text) if isinstance(default, float) else text
    except ValueError:
        raise ValueError(f"switch {name} needs a number, not {text!r}") from None
