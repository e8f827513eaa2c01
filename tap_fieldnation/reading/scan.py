"""One pass over the work orders that a filter matches, complete although rows appear and vanish meanwhile.

By descending id. New rows come in front, so they only push unread ones back: a row is seen twice, not lost. A row that
vanishes from the part already read pulls unread ones forward, over the edge of the page; it shows as a fall of the
total, and the pass goes back as many pages as that fall can have moved rows. By ascending id, one row more and one
less would leave the total as it was while a row is lost.
"""

from __future__ import annotations

import typing as t

from tap_fieldnation.reading.cursor import Position

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date

    from tap_fieldnation.api.work_orders import Page, Record


class Scan:
    """One pass.

    Args:
        fetch: A page of the filter, by its number.
        resume: Where an interrupted pass over the same filter stood.

    Attributes:
        total: What the server counted when it was last asked.
        count: Ids handed on, by this pass and the one that it resumes.
        highest: The highest id of the first page: what has a higher one came while the pass was under way.
        fell: Whether the current page showed a fall of the total, so that earlier pages come again.
        falls: By how much the total fell in all.
        rises: By how much it rose in all: rows that came in front while the pass was under way.
    """

    def __init__(self, fetch: Callable[[int], Page], resume: Position | None = None) -> None:
        self._fetch = fetch
        self._seen: set[int] = set()
        self._page = resume.page if resume else 0
        self._per_page = resume.per_page if resume else 0
        self._lowest = resume.lowest if resume else 0
        # Of what an interrupted pass sent only the lowest id is known: from there upwards nothing is counted again.
        self._counted_from = self._lowest
        self.count = resume.sent if resume else 0
        self.highest = 0
        self.total = resume.total if resume else None
        self.shrank = False
        self.removed_seen = 0
        self.added_seen = 0

    def __iter__(self) -> Iterator[tuple[Page, list[Record]]]:
        """Each page with those of its records that this pass did not hand on before."""
        number = self._page + 1
        previous: list[int] = []
        while True:
            page = self._fetch(number)
            if number > 1 and page.per_page != self._per_page:
                # The server cuts its pages anew: what was read so far says nothing of where they are now.
                self.total, self._per_page, number, previous = None, page.per_page, 1, []
                continue
            change = 0 if self.total is None else page.total - self.total
            fall, unchanged, self.total = max(0, -change), change == 0, page.total
            self.removed_seen += fall
            self.added_seen += max(0, change)
            self.shrank = fall > 0 and number > 1
            ids = [record["id"] for record in page.records]
            self.highest = self.highest or max(ids, default=0)
            self._page, self._per_page = number, page.per_page
            yield page, self._fresh(page.records, ids)
            if self.shrank:
                number = max(1, number - pages_to_step_back(fall, page.per_page))
                previous = []
            elif not ids or (ids == previous and unchanged) or number >= page.pages:
                return
            else:
                previous = ids
                number += 1

    @property
    def is_complete(self) -> bool:
        """Whether no fewer ids were handed on than the server counts, but for those that came meanwhile."""
        return self.count >= (self.total or 0) - self.added_seen

    def position(self, last: date | None) -> Position | None:
        """Where this pass stands, for one that resumes it; None where an earlier place has to serve."""
        if self.shrank or self.total is None:
            return None
        return Position(last, self._page, self._per_page, self.total, self.count, self._lowest)

    def _fresh(self, records: Sequence[Record], ids: list[int]) -> list[Record]:
        fresh = [record for record in records if record["id"] not in self._seen]
        self._seen.update(ids)
        for record in fresh:
            if not self._counted_from or record["id"] < self._counted_from:
                self.count += 1
            if not self._lowest or record["id"] < self._lowest:
                self._lowest = record["id"]
        return fresh


def pages_to_step_back(fall: int, per_page: int) -> int:
    """Over how many page edges a fall of the total can have pulled a row."""
    return -(-fall // per_page)
