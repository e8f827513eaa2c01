"""People: managers of the company and the providers who work for it."""

from __future__ import annotations

from dataclasses import dataclass

from .cities import CITIES
from .rng import Rng
from .words import FIRST_NAMES, LAST_NAMES

PICTURES = "https://files.fieldnation.example/profile"
PLACEHOLDER_PICTURE = f"{PICTURES}/placeholder.png"


@dataclass(frozen=True)
class Person:
    """A user of Field Nation; other records refer to it as `user_id`, `provider_id` or `manager_id`."""

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
        """An address in a reserved domain."""
        return f"user{self.id}@people.example"

    @property
    def picture(self) -> str:
        """The URL of the profile picture."""
        return f"{PICTURES}/{self.id}/{self.id % 97:02x}.jpg"

    def brief(self) -> dict[str, object]:
        """`{id, first_name, last_name}`, as most records refer to a person."""
        return {"id": self.id, "first_name": self.first, "last_name": self.last}

    def card(self) -> dict[str, object]:
        """The brief form with picture, phone and email, as for authors of files and templates."""
        return {**self.brief(), "thumbnail": self.picture, "phone": self.phone, "email": self.email}


def _person(seed: int, role: str, number: int, ident: int, employees: int) -> Person:
    rng = Rng(f"{seed}/{role}/{number}")
    return Person(
        id=ident,
        first=rng.pick(FIRST_NAMES),
        last=rng.pick(LAST_NAMES),
        phone=f"({rng.between(201, 989)}) 555-{rng.below(10_000):04d}",
        ext=str(rng.between(100, 999)) if rng.chance(25) else "",
        cell=f"{rng.between(201, 989)}555{rng.below(10_000):04d}",
        city=rng.below(len(CITIES)),
        street=f"{rng.between(1, 9900)} Birch Ct",
        employee=rng.chance(employees),
    )


def managers(seed: int, count: int = 14) -> list[Person]:
    """The managers of the company."""
    return [_person(seed, "manager", index, 31_400 + index * 17, 100) for index in range(count)]


def providers(seed: int, count: int = 180) -> list[Person]:
    """The providers that the company works with."""
    return [_person(seed, "provider", index, 640_000 + index * 233, 20) for index in range(count)]
