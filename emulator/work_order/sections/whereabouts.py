"""Where the work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from emulator.company.places import GROUPS, KINDS

if TYPE_CHECKING:
    from emulator.json import Json
    from emulator.work_order.facts import Facts

#: What the API sends for 'no saved location': id 0 and empty strings.
_NO_PLACE = msgspec.Raw(
    msgspec.json.encode(
        {
            "id": 0,
            "name": "",
            "display_name": "",
            "contact": {"name": "", "phone": ""},
            "group": {"id": 0, "name": ""},
        }
    )
)


def location(f: Facts) -> Json:
    """A saved location, a custom address, or remote work without any."""
    place = f.place
    remote = not f.saved and f.id % 5 == 0
    exact = not remote
    map_url = f"https://maps.example/?q={place.latitude},{place.longitude}"
    address = place.address()
    if remote:
        address = dict.fromkeys(address, "")
    if not remote and f.id % 31 == 0 and address["zip"].isdigit() and address["zip"][0] != "0":
        address["zip"] = int(address["zip"])  # numbers slip in here and there
    return {
        "coordinates": {"latitude": place.latitude, "longitude": place.longitude, "exact": place.exact}
        if exact
        else {"latitude": None, "longitude": None, "exact": False},
        "work_order_id": f.id,
        "mode": "remote" if remote else "location" if f.saved else "custom",
        **address,
        "notes": [text for _, text, _ in place.notes],
        "type": {"id": KINDS[place.kind][0], "name": KINDS[place.kind][1]},
        "saved_location": {
            "id": place.id,
            "name": place.name,
            "display_name": f"{place.name} · {place.line1}",
            "contact": {"name": place.contact, "phone": place.phone},
            "group": {"id": GROUPS[place.group][0], "name": GROUPS[place.group][1]},
        }
        if f.saved
        else _NO_PLACE,
        "display_name": place.name,
        "status_id": f.state.status,
        "correlation_id": f.digest("location"),
        "zoom": "14",
        "map": {"url": map_url, "href": f"{map_url}&z=14"},
        "actions": ["edit"],
    }
