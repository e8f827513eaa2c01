"""Saved locations of the company, and custom addresses of work orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .cities import CITIES
from .dates import HOUR
from .rng import Rng
from .words import FIRST_NAMES, LAST_NAMES, NOTES, STREET_KINDS, STREETS

if TYPE_CHECKING:
    from emulator.json import Json

KINDS = ((1, "Commercial"), (2, "Government"), (3, "Residential"), (4, "Educational"))
GROUPS = ((501, "Northeast"), (502, "South"), (503, "Mountain"), (504, "Pacific"))


@dataclass(frozen=True)
class Location:
    """An address. `id` is 0 if it is not a saved location."""

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
        """Offset from UTC in seconds (there is no daylight saving time here)."""
        return CITIES[self.city][8] * HOUR

    def time_zone(self) -> dict[str, object]:
        """`{id, name, short, offset}`; `offset` in hours."""
        _, _, _, _, _, name, short, ident, offset, _ = CITIES[self.city]
        return {"id": ident, "name": name, "short": short, "offset": offset}

    def address(self) -> dict[str, Json]:
        """Street, city, state, zip and country, named as in the location of a work order."""
        city, state, code, *_, country = CITIES[self.city]
        return {
            "address1": self.line1,
            "address2": self.line2,
            "city": city,
            "state": state,
            "zip": code,
            "country": country,
        }


def make_location(key: str, ident: int, name: str, client: int) -> Location:
    """A location generated from `key`; `name` is empty for a custom address."""
    rng = Rng(f"{key}/place")
    city = rng.below(len(CITIES))
    notes = tuple((ident * 10 + index, rng.pick(NOTES), rng.below(2)) for index in range(rng.below(3))) if ident else ()
    return Location(
        id=ident,
        name=name,
        line1=f"{rng.between(1, 12_400)} {rng.pick(STREETS)} {rng.pick(STREET_KINDS)}",
        line2=f"Suite {rng.between(1, 90)}" if rng.chance(30) else "",
        city=city,
        kind=rng.below(len(KINDS)),
        group=min(city // 6, len(GROUPS) - 1),
        client=client,
        contact=f"{rng.pick(FIRST_NAMES)} {rng.pick(LAST_NAMES)}",
        phone=f"({rng.between(201, 989)}) 555-{rng.below(10_000):04d}",
        ext=str(rng.between(1, 999)) if rng.chance(40) else "",
        active=not rng.chance(5),
        notes=notes,
        latitude=round(CITIES[city][3] + rng.between(-900, 900) / 10_000, 6),
        longitude=round(CITIES[city][4] + rng.between(-900, 900) / 10_000, 6),
        exact=rng.chance(80),
    )
