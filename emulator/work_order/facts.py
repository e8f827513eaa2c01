"""What the sections of a work order have in common: who, where, when, and recurring forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from emulator.company.dates import EMPTY, local, moment, stamp
from emulator.company.dice import Dice, digest
from emulator.company.places import Place, make_place
from emulator.company.state import ASSIGNED, WORK_DONE, Edits, State
from emulator.company.words import DEVICES, ERRANDS, TRADES_OF_WORK

if TYPE_CHECKING:
    from emulator.company.directory import Client, Directory, Project, Template
    from emulator.company.people import Person
    from emulator.json import Json

NO_ACTIONS = msgspec.Raw(b"[]")
NOTHING = msgspec.Raw(b"[]")  # PHP writes an empty object as an empty list


class Facts:
    """One work order while it is being written out. `cut` is the most rows that an embedded list may show."""

    __slots__ = (
        "base", "client", "cut", "device", "directory", "edits", "errand", "id", "manager", "offset", "place",
        "project", "provider", "saved", "seed", "service_end", "state", "steps", "template", "work",
    )  # fmt: skip

    def __init__(self, directory: Directory, state: State, cut: int | None = None) -> None:
        self.directory = directory
        self.seed = directory.seed
        self.state = state
        self.id = state.id
        self.base = state.id * 100  # ids of children start here
        self.steps = state.steps
        self.edits: Edits = state.edits
        self.cut = cut
        dice = self.dice("facts")
        # A third comes without template; the project then is any, and some have neither project nor client.
        self.template: Template | None = dice.pick(directory.templates) if dice.chance(65) else None
        project: Project | None = (
            directory.projects[self.template.project] if self.template else dice.pick(directory.projects)
        )
        if self.template is None and dice.chance(15):
            project = None
        self.project = project
        self.client: Client | None = directory.clients[project.client] if project else None
        self.work = self.template.work if self.template else dice.below(len(TRADES_OF_WORK))
        self.errand = dice.pick(ERRANDS)
        self.device = dice.pick(DEVICES)
        self.manager: Person = directory.managers[project.manager] if project else dice.pick(directory.managers)
        places = directory.places_of(project.client) if project else []
        self.saved = bool(places) and dice.chance(70)
        self.place: Place = (
            directory.places[dice.pick(places)] if self.saved else make_place(f"{self.seed}/{self.id}", 0, "", 0)
        )
        self.offset = self.place.offset
        provider = dice.pick(directory.providers)
        self.provider: Person | None = provider if self.steps[ASSIGNED] else None
        self.service_end = state.service + dice.between(2, 16) * 1_800

    def dice(self, what: str) -> Dice:
        """Draws for one purpose, the same every time."""
        return Dice(f"{self.seed}/{self.id}/{what}")

    def digest(self, section: str) -> str:
        """The `correlation_id` of a section: changes with every change of the work order."""
        return digest(f"{self.seed}/{self.id}/{section}/{self.state.version}")

    def date(self, at: int) -> Json:
        """A date object in the time of the site."""
        return moment(at, self.offset)

    def precise(self, at: int) -> Json:
        """A date object whose `utc` carries microseconds, as a few fields of production payloads do."""
        if not at:
            return EMPTY
        return {"utc": f"{stamp(at)}.{at * 7919 % 1_000_000:06d}", "local": local(at, self.offset)}

    def listing(self, rows: list[Json], **more: Json) -> dict[str, Json]:
        """An embedded list: `metadata` counts all rows; `results` holds them, cut where switched so."""
        shown = rows if self.cut is None else rows[: self.cut]
        return {
            "metadata": {"total": len(rows), "page": 1, "pages": 1, "per_page": len(shown)},
            "results": shown,
            **more,
        }

    @property
    def done(self) -> bool:
        """Whether the work is done."""
        return bool(self.steps[WORK_DONE])

    @property
    def tech(self) -> Person:
        """The provider; where there is none, somebody who might have been."""
        return self.provider or self.directory.providers[self.id % len(self.directory.providers)]


def number(value: float) -> float | int:
    """PHP writes whole amounts without a point: 40, but 40.5."""
    return int(value) if value == int(value) else value
