"""The parameters of `GET /workorders`: what they mean, and what the server remembers of them.

`sticky` (true when left out) stores filters, columns, sort and list for the user and applies them again to
later requests that leave them out; `sticky=false` does neither, but a `list` that is left out is the
remembered one in any case. `f_=` wipes remembered filters. A filter that is not understood is ignored, and
not echoed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from .company.dates import DAY, day_of, midnight
from .company.state import APPROVED, CANCELED
from .work_order.facts import Facts
from .work_order.sections import SECTIONS
from .work_order.sections.standing import request_count

if TYPE_CHECKING:
    from emulator.json import Json

    from .company.company import Company
    from .switches import Switches

#: list id -> label, statuses
LISTS: dict[str, tuple[str, frozenset[int]]] = {
    "workorders_in_flight": ("In flight", frozenset({1, 2, 9, 3, 4})),
    "workorders_draft": ("Draft", frozenset({1})),
    "workorders_published_routed": ("Published / Routed", frozenset({2, 9})),
    "workorders_assigned": ("Assigned", frozenset({3})),
    "workorders_problem": ("Problem", frozenset({1, 2, 9, 3, 4})),
    "workorders_work_done": ("Work done", frozenset({4})),
    "workorders_approved": ("Approved", frozenset({5})),
    "workorders_all": ("All", frozenset({1, 2, 9, 3, 4, 5, 6, 7})),
}
SORTS = ("id", "created_date", "title", "schedule", "status", "pay")
VIEWS = ("list", "map", "schedule", "tiles", "model")


class ParameterError(ValueError):
    """A parameter that the server refuses with 400; `args` are its name and what is wrong with it."""


@dataclass
class Query:
    """A request for a page of work orders, with everything remembered filled in."""

    list: str = "workorders_all"
    view: str = "list"
    columns: tuple[str, ...] = ()
    sort: str = "id"
    order: str = "desc"
    page: int = 1
    per_page: int = 25
    filters: dict[str, str] = field(default_factory=dict)  # understood ones, by parameter name


class Memory:
    """What the server keeps for each user and sticky name."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], dict[str, Json]] = {}

    def of(self, user: str, name: str, first_list: str) -> dict[str, Json]:
        """The remembered view, made on first use: a user of the web pages has left one of the tabs open."""
        return self._kept.setdefault((user, name), {"list": first_list, "filters": {}})


def _day(text: str, name: str) -> int:
    try:
        return midnight(date.fromisoformat(text.strip())) // DAY
    except ValueError:
        raise ParameterError(name, "must be YYYY-MM-DD or YYYY-MM-DD,YYYY-MM-DD") from None


def day_range(text: str, name: str) -> tuple[int, int]:
    """First and last day (counted from the epoch, both inclusive) of a date filter."""
    first, comma, last = text.partition(",")
    low = _day(first, name)
    return low, _day(last, name) if comma else low


def positive(params: dict[str, str], name: str, default: int) -> int:
    """A parameter that is a positive integer."""
    text = params.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise ParameterError(name, "must be a positive integer")
    return int(text)


def read(params: dict[str, str], memory: dict[str, Json], switches: Switches) -> Query:
    """Understand the parameters, apply and update the memory."""
    sticky = params.get("sticky", "").lower() not in ("false", "0")
    if "f_" in params:
        memory["filters"] = {}
    understood = {name: text for name, text in params.items() if name in filters_of(switches) and text}
    query = Query(list=params.get("list") or memory["list"])
    if query.list not in LISTS:
        raise ParameterError("list", "is not one of the lists")
    remembered = memory if sticky else {}
    query.filters = {**remembered.get("filters", {}), **understood}
    columns = params.get("columns") or remembered.get("columns", "")
    names = [name.strip() for name in columns.split(",")]
    query.columns = tuple(dict.fromkeys(name for name in ["id", *names] if name in SECTIONS)) if columns else ()
    query.sort = params.get("sort") or remembered.get("sort", "id")
    query.order = (params.get("order") or remembered.get("order", "desc")).lower()
    if query.sort not in SORTS:
        raise ParameterError("sort", f"must be one of {', '.join(SORTS)}")
    if query.order not in ("asc", "desc"):
        raise ParameterError("order", "must be asc or desc")
    query.view = params.get("view") or "list"
    if query.view not in VIEWS:
        raise ParameterError("view", f"must be one of {', '.join(VIEWS)}")
    query.page = positive(params, "page", 1)
    query.per_page = min(positive(params, "per_page", 25), switches.page_cap)
    if sticky:
        memory.update(list=query.list, columns=columns, sort=query.sort, order=query.order, filters=query.filters)
    return query


# Filters

Predicate = Callable[[Facts, str], bool]


def _in(text: str, *values: object) -> bool:
    wanted = {part.strip().lower() for part in text.split(",")}
    return any(str(value).lower() in wanted for value in values)


def _closed_on(f: Facts, text: str) -> bool:
    low, high = day_range(text, "f_approved_cancelled_date")
    at = f.steps[CANCELED] or f.steps[APPROVED]
    return bool(at) and low <= day_of(at) <= high


_BY_FACTS: dict[str, Predicate] = {
    "f_client": lambda f, text: f.client is not None and _in(text, f.client.id, f.client.name),
    "f_project": lambda f, text: f.project is not None and _in(text, f.project.id, f.project.name),
    "f_manager": lambda f, text: _in(text, f.manager.id, f.manager.name, f.manager.email),
    "f_state": lambda f, text: _in(text, f.place.address()["state"]),
    "f_city": lambda f, text: _in(text, f.place.address()["city"]),
    "f_requests": lambda f, text: (request_count(f) > 0) == (text.lower() in ("true", "1")),
    "f_approved_cancelled_date": _closed_on,
}


def filters_of(switches: Switches) -> set[str]:
    """The filters that this server understands."""
    names = {"f_work_order_id", *_BY_FACTS}
    if switches.created_filter != "none":
        names.add(switches.created_filter)
    return names


class Matches:
    """The last few selections, kept until the company changes: the pages of one list come from one selection."""

    def __init__(self, company: Company, most: int = 16) -> None:
        self.company = company
        self._most = most
        self._kept: dict[Hashable, Sequence[int]] = {}

    def of(self, query: Query, switches: Switches) -> Sequence[int]:
        """`matching`, from memory where it can be. Call it under `company.lock`."""
        filters = tuple(sorted(query.filters.items()))
        asked = (query.list, query.sort, query.order, filters, switches.created_filter, switches.filter_zone)
        key = (self.company.revision, *asked)
        found = self._kept.get(key)
        if found is None:
            found = matching(self.company, query, switches)
            if len(self._kept) >= self._most:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = found
        return found


def matching(company: Company, query: Query, switches: Switches) -> Sequence[int]:
    """Places of the work orders that the query selects, in its order. Call it under `company.lock`."""
    filters = dict(query.filters)
    places: Sequence[int]
    ids = filters.pop("f_work_order_id", "")
    days = filters.pop(switches.created_filter, "")
    if days:
        low, high = day_range(days, switches.created_filter)
        if switches.filter_zone == "site":
            places = [
                place
                for place in company.between((low - 1) * DAY, (high + 2) * DAY)
                if low <= day_of(company.created_at(place), _offset(company, place)) <= high
            ]
        else:
            places = company.between(low * DAY, (high + 1) * DAY)
    else:
        places = company.visible()
    if ids:
        found = {company.place_of(int(text)) for text in ids.split(",") if text.strip().isdecimal()}
        allowed = set(places) if days else None
        wanted = sorted(place for place in found if place is not None and company.is_visible(place))
        places = wanted if allowed is None else [place for place in wanted if place in allowed]
    statuses = LISTS[query.list][1]
    if query.list == "workorders_problem":
        places = [place for place in places if company.trouble_at(place) and company.status_at(place) in statuses]
    elif query.list != "workorders_all":
        places = [place for place in places if company.status_at(place) in statuses]
    if filters:
        places = [place for place in places if _fits(company, place, filters)]
    return _sorted(company, places, query)


def _offset(company: Company, place: int) -> int:
    return Facts(company.directory, company.state(place)).offset


def _fits(company: Company, place: int, filters: dict[str, str]) -> bool:
    facts = Facts(company.directory, company.state(place))
    return all(_BY_FACTS[name](facts, text) for name, text in filters.items())


def _sorted(company: Company, places: Sequence[int], query: Query) -> Sequence[int]:
    down = query.order == "desc"
    if query.sort in ("id", "created_date"):
        return places[::-1] if down else places
    if query.sort == "status":
        return sorted(places, key=lambda place: (company.status_at(place), place), reverse=down)

    def key(place: int) -> tuple[Json, int]:
        facts = Facts(company.directory, company.state(place))
        if query.sort == "schedule":
            return facts.state.service, place
        value = SECTIONS[query.sort](facts)
        return (value["total"] if query.sort == "pay" else value), place

    return sorted(places, key=key, reverse=down)
