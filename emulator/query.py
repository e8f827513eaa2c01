"""The query parameters of `GET /workorders`, and the saved views that the server applies to them.

With `sticky` (the default) the server saves filters, columns, sort and list for the user, and applies them to later
requests that omit them. `sticky=false` neither saves nor applies them, except that an omitted `list` is always the
saved one. `f_=` clears the saved filters. An unknown filter is ignored, and not echoed.
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
from .work_order.sections.status import request_count

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
    """A parameter that the server refuses with 400; `args` are its name and the reason."""


@dataclass
class Query:
    """The parsed parameters, completed from the saved view."""

    list: str = "workorders_all"
    view: str = "list"
    columns: tuple[str, ...] = ()
    sort: str = "id"
    order: str = "desc"
    page: int = 1
    per_page: int = 25
    filters: dict[str, str] = field(default_factory=dict)  # known ones, by parameter name


class SavedViews:
    """The saved view of each user and sticky name."""

    def __init__(self) -> None:
        self._views: dict[tuple[str, str], dict[str, Json]] = {}

    def of(self, user: str, name: str, initial_list: str) -> dict[str, Json]:
        """The saved view; at first it is one of the lists without filters, as after a visit of the web application."""
        return self._views.setdefault((user, name), {"list": initial_list, "filters": {}})


def _day(text: str, name: str) -> int:
    try:
        return midnight(date.fromisoformat(text.strip())) // DAY
    except ValueError:
        raise ParameterError(name, "must be YYYY-MM-DD or YYYY-MM-DD,YYYY-MM-DD") from None


def day_range(text: str, name: str) -> tuple[int, int]:
    """First and last day of a date filter, counted from the epoch, both inclusive."""
    first, comma, last = text.partition(",")
    low = _day(first, name)
    return low, _day(last, name) if comma else low


def positive(params: dict[str, str], name: str, default: int) -> int:
    """The value of a parameter that has to be a positive integer."""
    text = params.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise ParameterError(name, "must be a positive integer")
    return int(text)


def parse(params: dict[str, str], view: dict[str, Json], switches: Switches) -> Query:
    """Parse the parameters; apply and update the saved view."""
    sticky = params.get("sticky", "").lower() not in ("false", "0")
    if "f_" in params:
        view["filters"] = {}
    filters = {name: text for name, text in params.items() if name in known_filters(switches) and text}
    query = Query(list=params.get("list") or view["list"])
    if query.list not in LISTS:
        raise ParameterError("list", "is not one of the lists")
    saved = view if sticky else {}
    query.filters = {**saved.get("filters", {}), **filters}
    columns = params.get("columns") or saved.get("columns", "")
    names = [name.strip() for name in columns.split(",")]
    query.columns = tuple(dict.fromkeys(name for name in ["id", *names] if name in SECTIONS)) if columns else ()
    query.sort = params.get("sort") or saved.get("sort", "id")
    query.order = (params.get("order") or saved.get("order", "desc")).lower()
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
        view.update(list=query.list, columns=columns, sort=query.sort, order=query.order, filters=query.filters)
    return query


# Filters

Predicate = Callable[[Facts, str], bool]


def _in(text: str, *values: object) -> bool:
    accepted = {part.strip().lower() for part in text.split(",")}
    return any(str(value).lower() in accepted for value in values)


def _closed_on(f: Facts, text: str) -> bool:
    first, last = day_range(text, "f_approved_cancelled_date")
    at = f.steps[CANCELED] or f.steps[APPROVED]
    return bool(at) and first <= day_of(at) <= last


_FILTERS: dict[str, Predicate] = {
    "f_client": lambda f, text: f.client is not None and _in(text, f.client.id, f.client.name),
    "f_project": lambda f, text: f.project is not None and _in(text, f.project.id, f.project.name),
    "f_manager": lambda f, text: _in(text, f.manager.id, f.manager.name, f.manager.email),
    "f_state": lambda f, text: _in(text, f.location.address()["state"]),
    "f_city": lambda f, text: _in(text, f.location.address()["city"]),
    "f_requests": lambda f, text: (request_count(f) > 0) == (text.lower() in ("true", "1")),
    "f_approved_cancelled_date": _closed_on,
}


def known_filters(switches: Switches) -> set[str]:
    """The names of the supported filters."""
    names = {"f_work_order_id", *_FILTERS}
    if switches.created_filter != "none":
        names.add(switches.created_filter)
    return names


class SelectionCache:
    """The last few selections, until the company changes: the pages of a list share one selection."""

    def __init__(self, company: Company, size: int = 16) -> None:
        self.company = company
        self._size = size
        self._cached: dict[Hashable, Sequence[int]] = {}

    def select(self, query: Query, switches: Switches) -> Sequence[int]:
        """`select`, cached. The caller holds `company.lock`."""
        filters = tuple(sorted(query.filters.items()))
        options = (query.list, query.sort, query.order, filters, switches.created_filter, switches.filter_zone)
        key = (self.company.revision, *options)
        selected = self._cached.get(key)
        if selected is None:
            selected = select(self.company, query, switches)
            if len(self._cached) >= self._size:
                self._cached.pop(next(iter(self._cached)))
            self._cached[key] = selected
        return selected


def select(company: Company, query: Query, switches: Switches) -> Sequence[int]:
    """Indexes of the work orders that the query selects, in its order. The caller holds `company.lock`."""
    filters = dict(query.filters)
    ids = filters.pop("f_work_order_id", "")
    days = filters.pop(switches.created_filter, "")
    selected = _created_on(company, days, switches) if days else company.visible()
    if ids:
        named = {company.index_of(int(text)) for text in ids.split(",") if text.strip().isdecimal()}
        candidates = set(selected) if days else None
        selected = sorted(
            index
            for index in named
            if index is not None and company.is_visible(index) and (candidates is None or index in candidates)
        )
    statuses = LISTS[query.list][1]
    if query.list == "workorders_problem":
        selected = [i for i in selected if company.has_problem_at(i) and company.status_at(i) in statuses]
    elif query.list != "workorders_all":
        selected = [index for index in selected if company.status_at(index) in statuses]
    if filters:
        selected = [index for index in selected if _passes(company, index, filters)]
    return _sorted(company, selected, query)


def _created_on(company: Company, days: str, switches: Switches) -> Sequence[int]:
    first, last = day_range(days, switches.created_filter)
    if switches.filter_zone != "site":
        return company.created_between(first * DAY, (last + 1) * DAY)
    return [
        index
        for index in company.created_between((first - 1) * DAY, (last + 2) * DAY)
        if first <= day_of(company.created_at(index), _facts(company, index).offset) <= last
    ]


def _facts(company: Company, index: int) -> Facts:
    return Facts(company.directory, company.state(index))


def _passes(company: Company, index: int, filters: dict[str, str]) -> bool:
    facts = _facts(company, index)
    return all(_FILTERS[name](facts, text) for name, text in filters.items())


def _sorted(company: Company, indexes: Sequence[int], query: Query) -> Sequence[int]:
    descending = query.order == "desc"
    if query.sort in ("id", "created_date"):
        return indexes[::-1] if descending else indexes
    if query.sort == "status":
        return sorted(indexes, key=lambda index: (company.status_at(index), index), reverse=descending)

    def key(index: int) -> tuple[Json, int]:
        facts = _facts(company, index)
        if query.sort == "schedule":
            return facts.state.service, index
        value = SECTIONS[query.sort](facts)
        return (value["total"] if query.sort == "pay" else value), index

    return sorted(indexes, key=key, reverse=descending)
