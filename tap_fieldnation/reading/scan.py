"""One pass over the work orders that a filter matches, complete even if rows are added and removed meanwhile.

Rows are sorted by descending id. New rows are inserted in front, which only pushes unread rows back: a row may be read
twice, but none is missed. A row that is removed from the part already read pulls unread rows forward, across the edge
of a page. The smaller total shows that, and the pass steps back as many pages as rows can have moved. By ascending id,
one row added and one removed would leave the total unchanged while a row is missed.
"""

from __future__ import annotations

import typing as t
from http import HTTPStatus

from tap_fieldnation.api.client import API_ROOT
from tap_fieldnation.api.errors import Action, ApiError, Rule
from tap_fieldnation.api.work_orders import PATH
from tap_fieldnation.reading.cursor import Position

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date, datetime

    from tap_fieldnation.api.work_orders import Page, Record


# A pass starts again this often if the server changes its page size.
MAX_RESTARTS = 3
_UNSTABLE = Rule(Action.FAIL, "lower page_size, and tell Field Nation if it persists (what was read is kept)")

# Servers behind a load balancer may count differently, so that the total rises and falls again and again. After so many
# steps back that found nothing, a total that was as low before is no reason for another one.
MAX_FUTILE_STEPS = 50


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
        self._restarts = self._futile_steps = 0
        self._least_total: int | None = None
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
            if self._has_other_size(page, number):
                # The server changed its page size, so the numbers of the pages that were read are no longer valid.
                self._restart()
                number, previous = 1, []
                continue
            self._page, self._per_page = number, self._per_page if number > 1 and self._per_page else page.per_page
            if self._resume and not self._finds_place(ids, number):
                number -= 1
                continue
            change = 0 if self.total is None else page.total - self.total
            self.total = page.total
            self.removed_seen += max(0, -change)
            self.added_seen += max(0, change)
            self.highest = self.highest or max(ids, default=0)
            fresh = self._fresh(page.records, ids)
            self.shrank = self._needs_step_back(change, number, found=bool(fresh))
            yield page, fresh
            if self.shrank:
                number = max(1, number - pages_to_step_back(-change, self._per_page))
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

    def _has_other_size(self, page: Page, number: int) -> bool:
        """Whether the pages read so far had another size than this one, and the pass has to start again.

        Some servers give the number of rows on a page as its size, which is smaller on the last one.

        Raises:
            ApiError: The pass has started again several times.
        """
        if number == 1 or not self._per_page or page.per_page == self._per_page:
            return False
        if page.per_page < self._per_page and number * self._per_page >= page.total:
            return False
        if self._restarts == MAX_RESTARTS:
            reason = f"the size of a page changes again and again, now from {self._per_page} to {page.per_page}"
            raise ApiError(f"{API_ROOT}{PATH}", HTTPStatus.OK, reason, rule=_UNSTABLE, stream="work_orders")
        return True

    def _needs_step_back(self, change: int, number: int, *, found: bool) -> bool:
        """Whether rows can have moved to the pages before this one.

        Args:
            change: Of the total since the page before.
            number: Of this page.
            found: Whether it has rows that this pass did not emit before.
        """
        total = self.total or 0
        is_least = self._least_total is None or total < self._least_total
        self._least_total = total if is_least else self._least_total
        if found and self.shrank:
            self._futile_steps = 0
        if change >= 0 or number == 1:
            return False
        self._futile_steps += not is_least
        return is_least or self._futile_steps <= MAX_FUTILE_STEPS

    def _finds_place(self, ids: Sequence[int], number: int) -> bool:
        """Whether an interrupted pass can be resumed from this page: not if all of its rows are below the position."""
        if number > 1 and (not ids or max(ids) < self._lowest):
            return False
        # The rows down to the lowest id were emitted; if there are more, they were added while no run was reading.
        rank = (number - 1) * self._per_page + sum(row >= self._lowest for row in ids)
        self._grown_before = rank > self.count
        self.count = min(self.count, rank)
        self._resume = None
        return True

    def _restart(self) -> None:
        self._resume, self.total, self._per_page = None, None, 0
        self._restarts += 1
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
