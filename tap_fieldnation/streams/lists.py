"""The company lists, each requested once per run, by the first stream that needs it."""

from __future__ import annotations

import typing as t

from tap_fieldnation.api import paging
from tap_fieldnation.api.errors import ApiError
from tap_fieldnation.records import schema
from tap_fieldnation.streams.catalog import COMPANY
from tap_fieldnation.streams.rows import get_nested

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_fieldnation.api.paging import ListPage
    from tap_fieldnation.context import RunContext
    from tap_fieldnation.streams.catalog import Company

BY_NAME = {entry.name: entry for entry in COMPANY}
PLACEHOLDER = "{company_id}"

# A row that has this has its other fields too.
DETAIL_MARK = "name"


class Lists:
    """The lists of one run.

    Args:
        context: The run.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._pages: dict[str, list[ListPage]] = {}
        self._ids: dict[str, list[t.Any]] = {}
        self._refused: dict[str, ApiError] = {}

    def fetch_pages(self, entry: Company, params: t.Mapping[str, object] | None = None) -> Iterator[ListPage]:
        """The pages of a list, for the stream that writes its rows.

        Args:
            entry: The list.
            params: Parameters of the first request, besides those of the entry.

        Raises:
            ApiError: A request failed, now or earlier in the run.
        """
        if entry.name in self._refused:
            raise self._refused[entry.name]
        if entry.name in self._pages:
            yield from self._pages.pop(entry.name)
            return
        ids: list[t.Any] = []
        try:
            for page in self.request_pages(entry, params or {}):
                ids += ids_on(entry, page)
                yield page
        except ApiError as error:
            self._refused[entry.name] = error
            raise
        self._ids[entry.name] = ids

    def fetch_ids(self, name: str, key: str) -> list[t.Any]:
        """The ids of a list's rows, for a stream that makes a request for each.

        Args:
            name: The stream of that list.
            key: The key of the id in each row.
        """
        entry = BY_NAME[name]
        if name not in self._ids:
            self._pages[name] = list(self.fetch_pages(entry))
            self._ids[name] = [row_id for page in self._pages[name] for row_id in ids_on(entry, page, key)]
        return self._ids[name]

    def request_pages(self, entry: Company, params: t.Mapping[str, object]) -> Iterator[ListPage]:
        """The pages of a list, requested anew, with parameters besides those of the entry."""
        path = entry.path
        if PLACEHOLDER in path:
            path = path.replace(PLACEHOLDER, str(self._context.find_company_id()))
        return paging.pages(self._context.client, path, {**entry.params, **params}, stream=entry.name)


def ids_on(entry: Company, page: ListPage, key: str = "") -> list[t.Any]:
    """The ids of the rows on a page."""
    key = key or entry.keys[0]
    column = schema.load(entry.name)["properties"][key]
    keys = [column.get(schema.SOURCE, key), *column.get(schema.ALIASES, ()), entry.fallback.get(key)]
    rows = (row for row in page.rows if type(row) is dict)
    ids = (next((row[key] for key in keys if row.get(key)), None) for row in rows)
    return [row_id for row_id in ids if row_id is not None]


def has_ids_only(entry: Company, page: ListPage) -> bool:
    """Whether a list sends ids and little else, so that the details are requested row by row."""
    return bool(entry.detail and page.rows) and not any(get_nested(row, DETAIL_MARK) for row in page.rows)
