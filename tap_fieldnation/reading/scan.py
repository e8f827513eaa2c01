"""One pass over the work orders that a filter matches, complete even if rows are added and removed meanwhile.

Rows are sorted by descending id. New rows are inserted in front, which only pushes unread rows back: a row may be read
twice, but none is missed. A row that is removed from the part already read pulls unread rows forward, across the edge
of a page. The smaller total shows that, and the pass steps back as many pages as rows can have moved. By ascending id,
one row added and one removed would leave the total unchanged while a row is missed.
"""

from __future__ import annotations

import typing as t

from tap_fieldnation.reading.cursor import Position

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date, datetime

    from tap_fieldnation.api.work_orders import Page, Record


class Scan:
    """One pass.

    Args:
        fetch: Requests a page of the filter, by its number.
        began_at: The current time.
        resume: Where an interrupted pass over the same filter stopped.

    Attributes:
        began_at: When the pass began, or the interrupted one that it resumes.
        ids: The ids that were emitted, without those of an interrupted pass.
        total: What the server counted when it was last asked.
        count: How many ids were emitted, by this pass and the one that it resumes.
        highest: The highest id when the pass began: rows with a higher one were inserted since.
        shrank: Whether the current page showed a smaller total, so that earlier pages are read again.
        removed_seen: The sum of all decreases of the total.
        added_seen: The sum of all increases of the total.
        resumed: Whether it continued an interrupted pass.
    """

    def __init__(self, fetch: Callable[[int], Page], began_at: datetime, resume: Position | None = None) -> None:
        self._fetch = fetch
        self.began_at = resume.began_at if resume else began_at
        self.resumed = resume is not None
        self.ids: set[int] = set()
        self._page = resume.page if resume else 1
        self._per_page = resume.per_page if resume else 0
        self._resume = resume
        self._lowest = resume.lowest if resume else 0
        # Down to this id an interrupted pass has counted.
        self._counted_from = self._lowest
        self._grown_before = False
        self.count = resume.sent if resume else 0
        self.highest = resume.highest if resume else 0
        self.total: int | None = None
        self.shrank = False
        self.removed_seen = 0
        self.added_seen = 0

    def __iter__(self) -> Iterator[tuple[Page, list[Record]]]:
        """Each page with those of its records that this pass did not emit before."""
        number = self._page
        previous: list[int] = []
        while True:
            page = self._fetch(number)
            ids = [record["id"] for record in page.records]
            if self._per_page and page.per_page != self._per_page and number > 1:
                # The server changed its page size, so the numbers of the pages that were read are no longer valid.
                self._restart()
                number, previous = 1, []
                continue
            self._page, self._per_page = number, page.per_page
            if self._resume and not self._finds_place(page, ids, number):
                number -= 1
                continue
            change = 0 if self.total is None else page.total - self.total
            self.total = page.total
            self.removed_seen += max(0, -change)
            self.added_seen += max(0, change)
            self.shrank = change < 0 and number > 1
            self.highest = self.highest or max(ids, default=0)
            yield page, self._fresh(page.records, ids)
            if self.shrank:
                number = max(1, number - pages_to_step_back(-change, page.per_page))
                previous = []
            elif not ids or (ids == previous and not change) or number >= page.pages:
                return
            else:
                previous = ids
                number += 1

    @property
    def is_complete(self) -> bool:
        """Whether no fewer ids were emitted than the server counts, apart from those that were added meanwhile."""
        return not self._grown_before and self.count >= (self.total or 0) - self.added_seen

    @property
    def known(self) -> int:
        """How many of what the server counts were emitted; those added meanwhile may be missing."""
        return min(self.count, self.total or 0)

    def position(self, last: date | None, *, whole: bool = False) -> Position | None:
        """How far this pass has come, for a later run to resume it; None if an earlier position has to be kept."""
        if self.shrank or self.total is None:
            return None
        return Position(
            self.began_at, last, self._page, self._per_page, self.total, self.count, self._lowest, self.highest, whole
        )

    def _finds_place(self, page: Page, ids: Sequence[int], number: int) -> bool:
        """Whether an interrupted pass can be resumed from this page: not if all of its rows are below the position."""
        if number > 1 and (not ids or max(ids) < self._lowest):
            return False
        # The rows down to the lowest id were emitted; if there are more, they were added while no run was reading.
        rank = (number - 1) * page.per_page + sum(row >= self._lowest for row in ids)
        self._grown_before = rank > self.count
        self.count = min(self.count, rank)
        self._resume = None
        return True

    def _restart(self) -> None:
        self._resume, self.total, self._per_page = None, None, 0
        self._lowest = self._counted_from = 0
        self.count, self._grown_before = len(self.ids), False

    def _fresh(self, records: Sequence[Record], ids: list[int]) -> list[Record]:
        fresh = [record for record in records if record["id"] not in self.ids]
        self.ids.update(ids)
        for record in fresh:
            if not self._counted_from or record["id"] < self._counted_from:
                self.count += 1
        self._lowest = min([*ids, *([self._lowest] if self._lowest else [])], default=self._lowest)
        return fresh


def pages_to_step_back(removed: int, per_page: int) -> int:
    """How many pages forward a row can have moved if this many rows before it were removed."""
    return -(-removed // per_page)
