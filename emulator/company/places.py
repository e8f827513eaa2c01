"""Saved locations of the company, and the one-off addresses that work orders have instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .cities import CITIES
from .dates import HOUR
from .dice import Dice
from .words import FIRST_NAMES, LAST_NAMES, REMARKS, STREET_KINDS, STREETS

if TYPE_CHECKING:
    from emulator.json import Json

KINDS = ((1, "Commercial"), (2, "Government"), (3, "Residential"), (4, "Educational"))
GROUPS = ((501, "Northeast"), (502, "South"), (503, "Mountain"), (504, "Pacific"))


@dataclass(frozen=True)
class Place:
    """An address. `id` is 0 where it is not a saved location."""

    id: int
    name: str
    line1: str
    line2: str
    city: int  # index into cities.CITIES
    kind: int  # index into KINDS
    group: int  # index into GROUPS
    client: int  # index into the company's clients
    contact: str
    phone: str
    ext: str
    active: bool
    notes: tuple[tuple[int, str, int], ...]  # id, text, private (0 or 1)
    latitude: float
    longitude: float
    exact: bool

    @property
    def offset(self) -> int:
        """Seconds that the site's clock is ahead of UTC (negative in America; no summer time here)."""
        return CITIES[self.city][8] * HOUR

    def time_zone(self) -> dict[str, object]:
        """`{id, name, short, offset}`; `offset` in hours."""
        _, _, _, _, _, name, short, ident, offset, _ = CITIES[self.city]
        return {"id": ident, "name": name, "short": short, "offset": offset}

    def address(self) -> dict[str, Json]:
        """Street, city, state, zip and country under the names of a work order's location."""
        city, state, code, *_, country = CITIES[self.city]
        return {
            "address1": self.line1,
            "address2": self.line2,
            "city": city,
            "state": state,
            "zip": code,
            "country": country,
        }


def make_place(key: str, ident: int, name: str, client: int) -> Place:
    """A place drawn from `key`; `name` is what it is saved under, empty for a one-off address."""
    dice = Dice(f"{key}/place")
    city = dice.below(len(CITIES))
    notes = tuple((ident * 10 + at, dice.pick(REMARKS), dice.below(2)) for at in range(dice.below(3))) if ident else ()
    return Place(
        id=ident,
        name=name,
        line1=f"{dice.between(1, 12_400)} {dice.pick(STREETS)} {dice.pick(STREET_KINDS)}",
        line2=f"Suite {dice.between(1, 90)}" if dice.chance(30) else "",
        city=city,
        kind=dice.below(len(KINDS)),
        group=min(city // 6, len(GROUPS) - 1),
        client=client,
        contact=f"{dice.pick(FIRST_NAMES)} {dice.pick(LAST_NAMES)}",
        phone=f"({dice.between(201, 989)}) 555-{dice.below(10_000):04d}",
        ext=str(dice.between(1, 999)) if dice.chance(40) else "",
        active=not dice.chance(5),
        notes=notes,
        latitude=round(CITIES[city][3] + dice.between(-900, 900) / 10_000, 6),
        longitude=round(CITIES[city][4] + dice.between(-900, 900) / 10_000, 6),
        exact=dice.chance(80),
    )
