"""The location of the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from emulator.company.locations import GROUPS, KINDS

if TYPE_CHECKING:
    from emulator.json import Json
    from emulator.work_order.facts import Facts

#: What the API sends if there is no saved location: id 0 and empty strings.
_NO_SAVED_LOCATION = msgspec.Raw(
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
    """A saved location, a custom address, or no address for remote work."""
    location = f.location
    remote = not f.saved and f.id % 5 == 0
    exact = not remote
    map_url = f"https://maps.example/?q={location.latitude},{location.longitude}"
    address = location.address()
    if remote:
        address = dict.fromkeys(address, "")
    if not remote and f.id % 31 == 0 and address["zip"].isdigit() and address["zip"][0] != "0":
        address["zip"] = int(address["zip"])  # as in some production payloads
    return {
        "coordinates": {"latitude": location.latitude, "longitude": location.longitude, "exact": location.exact}
        if exact
        else {"latitude": None, "longitude": None, "exact": False},
        "work_order_id": f.id,
        "mode": "remote" if remote else "location" if f.saved else "custom",
        **address,
        "notes": [text for _, text, _ in location.notes],
        "type": {"id": KINDS[location.kind][0], "name": KINDS[location.kind][1]},
        "saved_location": {
            "id": location.id,
            "name": location.name,
            "display_name": f"{location.name} · {location.line1}",
            "contact": {"name": location.contact, "phone": location.phone},
            "group": {"id": GROUPS[location.group][0], "name": GROUPS[location.group][1]},
        }
        if f.saved
        else _NO_SAVED_LOCATION,
        "display_name": location.name,
        "status_id": f.state.status,
        "correlation_id": f.digest("location"),
        "zoom": "14",
        "map": {"url": map_url, "href": f"{map_url}&z=14"},
        "actions": ["edit"],
    }
