"""The data that the sections of a work order have in common, and helpers for recurring structures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from emulator.company.dates import EMPTY_DATE, date_object, local, utc_text
from emulator.company.locations import Location, make_location
from emulator.company.rng import Rng, digest
from emulator.company.state import ASSIGNED, WORK_DONE, Edits, State
from emulator.company.words import ACTIVITIES, DEVICES, TYPES_OF_WORK

from .payload import DEFAULT, Payload

if TYPE_CHECKING:
    from emulator.company.directory import Client, Directory, Project, Template
    from emulator.company.people import Person
    from emulator.json import Json

NO_ACTIONS = msgspec.Raw(b"[]")
EMPTY_OBJECT = msgspec.Raw(b"[]")  # PHP encodes an empty object as an empty list


class Facts:
    """The data of one work order, and how to encode it."""

    __slots__ = (
        "activity", "base", "client", "device", "directory", "edits", "id", "location", "manager", "offset", "payload",
        "project", "provider", "saved", "seed", "service_end", "state", "steps", "template", "work_type",
    )  # fmt: skip

    def __init__(self, directory: Directory, state: State, payload: Payload = DEFAULT) -> None:
        self.directory = directory
        self.seed = directory.seed
        self.state = state
        self.id = state.id
        self.base = state.id * 100  # ids of child records start here
        self.steps = state.steps
        self.edits: Edits = state.edits
        self.payload = payload
        rng = self.rng("facts")
        # A third has no template and any project; some of these have neither project nor client.
        self.template: Template | None = rng.pick(directory.templates) if rng.chance(65) else None
        project: Project | None = (
            directory.projects[self.template.project] if self.template else rng.pick(directory.projects)
        )
        if self.template is None and rng.chance(15):
            project = None
        self.project = project
        self.client: Client | None = directory.clients[project.client] if project else None
        self.work_type = self.template.work_type if self.template else rng.below(len(TYPES_OF_WORK))
        self.activity = rng.pick(ACTIVITIES)
        self.device = rng.pick(DEVICES)
        self.manager: Person = directory.managers[project.manager] if project else rng.pick(directory.managers)
        locations = directory.locations_of(project.client) if project else []
        self.saved = bool(locations) and rng.chance(70)
        self.location: Location = (
            directory.locations[rng.pick(locations)]
            if self.saved
            else make_location(f"{self.seed}/{self.id}", 0, "", 0)
        )
        self.offset = self.location.offset
        provider = rng.pick(directory.providers)
        self.provider: Person | None = provider if self.steps[ASSIGNED] else None
        self.service_end = state.service + rng.between(2, 16) * 1_800

    def rng(self, what: str) -> Rng:
        """Random numbers for one purpose, always the same."""
        return Rng(f"{self.seed}/{self.id}/{what}")

    def digest(self, section: str) -> str:
        """The `correlation_id` of a section; it changes with every change of the work order."""
        return digest(f"{self.seed}/{self.id}/{section}/{self.state.version}")

    def date(self, at: int) -> Json:
        """A date object in the time zone of the location."""
        return date_object(at, self.offset)

    def precise(self, at: int) -> Json:
        """A date object whose `utc` has microseconds, as a few fields of production payloads have."""
        if not at:
            return EMPTY_DATE
        return {"utc": f"{utc_text(at)}.{at * 7919 % 1_000_000:06d}", "local": local(at, self.offset)}

    def listing(self, rows: list[Json], **more: Json) -> dict[str, Json]:
        """An embedded list: `metadata` counts all rows, `results` has those that the payload shows."""
        cut, hidden = self.payload.cut, self.payload.hidden
        shown = rows if cut is None else rows[:cut]
        total = len(rows) + hidden
        return {
            "metadata": {"total": total, "page": 1, "pages": 1, "per_page": len(shown) if cut is not None else total},
            "results": shown,
            **more,
        }

    @property
    def done(self) -> bool:
        """Whether the work is done."""
        return bool(self.steps[WORK_DONE])

    @property
    def tech(self) -> Person:
        """The assigned provider, or an arbitrary one if there is none."""
        return self.provider or self.directory.providers[self.id % len(self.directory.providers)]


def number(value: float) -> float | int:
    """The value as PHP encodes it: whole amounts without decimal point (40, but 40.5)."""
    return int(value) if value == int(value) else value
