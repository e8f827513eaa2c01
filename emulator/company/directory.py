"""Everything the company has besides work orders: clients, projects, templates, definitions, people, locations.

These few hundred small records are generated from the seed at start. Work orders refer to them, and the company lists
of the API show them, so the two are consistent.
"""

from __future__ import annotations

from dataclasses import dataclass

from .locations import Location, make_location
from .people import Person, managers, providers
from .rng import Rng
from .words import ACTIVITIES, BUSINESSES, DEVICES, INDUSTRIES, TYPES_OF_WORK

COMPANY_ID = 20_843
COMPANY_NAME = "Harbor & Pine Field Services, Ltd."


@dataclass(frozen=True)
class Client:
    """A customer of the company."""

    id: int
    name: str
    manager: int  # index into managers
    location: Location
    active: bool


@dataclass(frozen=True)
class Project:
    """A project for one client."""

    id: int
    name: str
    client: int
    manager: int


@dataclass(frozen=True)
class Template:
    """A template that work orders are created from."""

    id: int
    name: str
    project: int
    work_type: int  # index into words.TYPES_OF_WORK
    author: int


@dataclass(frozen=True)
class Field:
    """The definition of a custom field."""

    id: int
    name: str
    tip: str
    kind: str
    role: str  # assigned_provider | buyer
    options: tuple[str, ...]
    flags: tuple[str, ...]
    depends_on: int  # id of another field, 0 for none
    finance: bool
    category: str


@dataclass(frozen=True)
class Charge:
    """The definition of a bonus or a penalty."""

    id: int
    name: str
    kind: str  # Fixed | Percent
    modifier: str  # number as text
    description: str


TAGS: tuple[tuple[int, str, str], ...] = (
    (301, "Rush", "#d0021b"),
    (302, "VIP client", "#f5a623"),
    (303, "Parts on order", "#4a90e2"),
    (304, "Waiting on site", "#9b9b9b"),
    (305, "Re-visit", "#7ed321"),
    (306, "After hours", "#4a4a4a"),
    (307, "Billable", "#50e3c2"),
    (308, "Não faturável", "#bd10e0"),
    (309, "Lift required", "#8b572a"),
    (310, "Q/A hold", "#417505"),
    (311, "Weather ☂", "#2d7ff9"),
    (312, "Permit", "#000000"),
    (313, "Training", "#ffcc00"),
)

EXPENSE_CATEGORIES: tuple[tuple[int, int, int, str, str, str, bool], ...] = (
    # uid, id, company_expense_id, label, description, type, is_travel
    (1, 1, 0, "Travel mileage", "Miles beyond 40 from home", "system", True),
    (2, 2, 0, "Parking & tolls", "With receipt", "system", True),
    (3, 3, 0, "Materials", "Consumables bought on the way", "system", False),
    (4, 4, 0, "Shipping", "Return shipments", "system", False),
    (7_001, 1, 7_001, "Lift rental", "Scissor lift, daily", "custom", False),
    (7_002, 2, 7_002, "Disposal fee", "E-waste", "custom", False),
    (7_003, 3, 7_003, "Hébergement", "Overnight stay, pre-approved", "custom", True),
)

NETWORKS: tuple[tuple[int, str, str], ...] = (
    (9001, "marketplace", "Marketplace"),
    (9002, "employee", "Our own technicians"),
    (9003, "contractor", "Preferred contractors"),
    (9004, "vendor", "Vendor network"),
    (9005, "marketplace_w2", "Marketplace W-2"),
)

INCOMPLETE_REASONS: tuple[tuple[int, str], ...] = (
    (11, "Site not ready"),
    (12, "Part missing"),
    (13, "Part dead on arrival"),
    (14, "No access to the site"),
    (15, "More time needed"),
    (16, "Out of scope"),
    (17, "Weather"),
)

PROBLEM_TYPES: tuple[tuple[int, str, tuple[str, ...]], ...] = (
    (1, "I will be late", ()),
    (2, "I can no longer attend", ("Illness", "Vehicle")),
    (3, "Site not ready", ("No access", "No power")),
    (4, "Payment question", ("Expense", "Hours")),
    (5, "Other", ()),
)


class Directory:
    """The catalogs of one company, generated from `seed`. Their ids do not depend on the company."""

    def __init__(self, seed: int, company_id: int = COMPANY_ID) -> None:
        self.seed = seed
        self.company_id = company_id
        self.managers: list[Person] = managers(seed)
        self.providers: list[Person] = providers(seed)
        self.clients = [self._client(index) for index in range(62)]
        self.projects = [self._project(index) for index in range(118)]
        self.templates = [self._template(index) for index in range(84)]
        self.locations = [self._location(index) for index in range(240)]
        self.fields = _fields()
        self.bonuses = _charges(
            seed, "bonus", 4_100, ("On time", "Five stars", "Same day", "Weekend", "Second site", "Prime")
        )
        self.penalties = _charges(
            seed, "penalty", 5_100, ("Late arrival", "No photos", "No call", "Missing sign-off", "Re-work")
        )
        self.people: dict[int, Person] = {person.id: person for person in [*self.managers, *self.providers]}
        self._locations_by_client: dict[int, list[int]] = {}
        for index, location in enumerate(self.locations):
            self._locations_by_client.setdefault(location.client, []).append(index)

    def locations_of(self, client: int) -> list[int]:
        """Indexes of the saved locations of one client."""
        return self._locations_by_client.get(client, [])

    def _client(self, index: int) -> Client:
        rng = Rng(f"{self.seed}/client/{index}")
        name = f"{BUSINESSES[index % len(BUSINESSES)]} {rng.pick(INDUSTRIES)}"
        return Client(
            id=2_200 + index * 7,
            name=name,
            manager=rng.below(len(self.managers)),
            location=make_location(f"{self.seed}/client/{index}", 0, "", index),
            active=not rng.chance(8),
        )

    def _project(self, index: int) -> Project:
        rng = Rng(f"{self.seed}/project/{index}")
        client = index if index < len(self.clients) else rng.below(len(self.clients))
        firm = self.clients[client].name.split()[0]
        name = f"{firm} {rng.pick(DEVICES)} {rng.pick(('rollout', 'refresh', 'maintenance', 'pilot'))}"
        return Project(id=5_500 + index * 3, name=name, client=client, manager=rng.below(len(self.managers)))

    def _template(self, index: int) -> Template:
        rng = Rng(f"{self.seed}/template/{index}")
        name = f"{rng.pick(ACTIVITIES)} {rng.pick(DEVICES)} · v{rng.between(1, 9)}"
        return Template(
            id=8_800 + index * 5,
            name=name,
            project=rng.below(len(self.projects)),
            work_type=rng.below(len(TYPES_OF_WORK)),
            author=rng.below(len(self.managers)),
        )

    def _location(self, index: int) -> Location:
        client = index if index < len(self.clients) else Rng(f"{self.seed}/place/{index}").below(len(self.clients))
        firm = self.clients[client].name.split()[0]
        return make_location(f"{self.seed}/{index}", 71_000 + index * 11, f"{firm} #{index + 100}", client)


def _charges(seed: int, what: str, first: int, names: tuple[str, ...]) -> list[Charge]:
    charges = []
    for index, name in enumerate(names):
        rng = Rng(f"{seed}/{what}/{index}")
        percent = rng.chance(40)
        modifier = str(rng.between(5, 25)) if percent else f"{rng.cents(5, 60):.2f}"
        charges.append(
            Charge(
                id=first + index,
                name=name,
                kind="Percent" if percent else "Fixed",
                modifier=modifier,
                description=f"{name}: {modifier}{' %' if percent else ' USD'} of the labor",
            )
        )
    return charges


def _fields() -> list[Field]:
    """Twelve definitions of all kinds; a field has the same id in every work order."""
    rows: tuple[tuple[str, str, str, tuple[str, ...], tuple[str, ...], int, bool], ...] = (
        ("Serial number (old)", "text", "assigned_provider", (), ("required", "seen_by_provider"), 0, False),
        ("Serial number (new)", "text", "assigned_provider", (), ("required", "unique"), 1201, False),
        ("Release code", "numeric", "assigned_provider", (), ("required_during_checkin",), 0, False),
        (
            "Work result",
            "predefined",
            "assigned_provider",
            ("Fixed", "Workaround", "Unresolved"),
            ("required",),
            0,
            False,
        ),
        ("Follow-up needed", "predefined", "assigned_provider", ("Yes", "No"), (), 1204, False),
        ("Time of cut-over", "time", "assigned_provider", (), ("onsite_only",), 0, False),
        ("Ticket", "text", "buyer", (), ("internal_id", "shown_in_header"), 0, False),
        ("Purchase order", "text", "buyer", (), ("visible_to_clients",), 0, True),
        ("Bill amount", "numeric", "buyer", (), (), 0, True),
        ("Due", "date", "buyer", (), ("included_in_alerts",), 0, False),
        ("Window", "date_time", "buyer", (), ("client_request_use_for",), 0, False),
        ("Help desk", "phone", "buyer", (), ("seen_by_clients",), 0, False),
    )
    return [
        Field(
            id=1_201 + index,
            name=name,
            tip=f"{name}, as printed" if index % 2 == 0 else "",
            kind=kind,
            role=role,
            options=options,
            flags=flags,
            depends_on=depends_on,
            finance=finance,
            category="Close-out" if role == "assigned_provider" else "Billing",
        )
        for index, (name, kind, role, options, flags, depends_on, finance) in enumerate(rows)
    ]
