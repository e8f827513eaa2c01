"""The people of the company: managers on the buyer's side, providers in the field."""

from __future__ import annotations

from dataclasses import dataclass

from .cities import CITIES
from .dice import Dice
from .words import FIRST_NAMES, LAST_NAMES

PICTURES = "https://files.fieldnation.example/profile"
NOBODY_PICTURE = f"{PICTURES}/placeholder.png"


@dataclass(frozen=True)
class Person:
    """A user of Field Nation; `id` is what other records call `user_id`, `provider_id`, `manager_id`."""

    id: int
    first: str
    last: str
    phone: str
    ext: str
    cell: str
    city: int  # index into cities.CITIES
    street: str
    employee: bool  # a W-2 employee rather than a contractor

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"

    @property
    def email(self) -> str:
        """An address in a domain that never exists."""
        return f"user{self.id}@people.example"

    @property
    def picture(self) -> str:
        """Where the profile picture would be."""
        return f"{PICTURES}/{self.id}/{self.id % 97:02x}.jpg"

    def brief(self) -> dict[str, object]:
        """`{id, first_name, last_name}`, the form in which most records name a person."""
        return {"id": self.id, "first_name": self.first, "last_name": self.last}

    def card(self) -> dict[str, object]:
        """The brief form with picture, phone and e-mail, as authors of files and templates are named."""
        return {**self.brief(), "thumbnail": self.picture, "phone": self.phone, "email": self.email}


def _person(seed: int, role: str, number: int, ident: int, employees: int) -> Person:
    dice = Dice(f"{seed}/{role}/{number}")
    return Person(
        id=ident,
        first=dice.pick(FIRST_NAMES),
        last=dice.pick(LAST_NAMES),
        phone=f"({dice.between(201, 989)}) 555-{dice.below(10_000):04d}",
        ext=str(dice.between(100, 999)) if dice.chance(25) else "",
        cell=f"{dice.between(201, 989)}555{dice.below(10_000):04d}",
        city=dice.below(len(CITIES)),
        street=f"{dice.between(1, 9900)} Birch Ct",
        employee=dice.chance(employees),
    )


def managers(seed: int, count: int = 14) -> list[Person]:
    """The company's own managers."""
    return [_person(seed, "manager", at, 31_400 + at * 17, 100) for at in range(count)]


def providers(seed: int, count: int = 180) -> list[Person]:
    """The technicians that the company works with."""
    return [_person(seed, "provider", at, 640_000 + at * 233, 20) for at in range(count)]
