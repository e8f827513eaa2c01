"""Folders and their files, parcels, signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from emulator.company.dates import HOUR
from emulator.company.dice import digest
from emulator.company.state import APPROVED
from emulator.company.words import REMARKS
from emulator.work_order.facts import NOTHING, Facts

from .time_logs import log_numbers, time_log

if TYPE_CHECKING:
    from emulator.json import Json

_STORE = "https://files.fieldnation.example"
_SLOTS = (("slot", "Work order files"), ("slot", "Photos before & after"), ("misc", "Miscellaneous"))
_PHOTOS, _MISC = 2, 3
_KINDS = (("jpg", "image/jpeg"), ("pdf", "application/pdf"), ("png", "image/png"))


def folder(f: Facts, slot: int, task: int = 0) -> dict[str, Json]:
    """One folder with its files. `slot` 3 belongs to no task; `min_files` … are limits in files and bytes."""
    kind, name = _SLOTS[slot - 1]
    dice = f.dice(f"folder/{slot}")
    count = (0, 0, 0, 0, 0, 1, 3)[dice.below(7)] if f.state.started else dice.below(8) // 7
    if slot == _MISC:
        count += f.edits.files
    ident = f.base + 40 + slot
    return {
        "id": ident,
        "name": name,
        "type": kind,
        "task": {"id": task, "type": {"id": 3}} if task else NOTHING,
        "actions": ["upload"],
        **f.listing([_file(f, ident, slot, at) for at in range(count)]),
        "min_files": 1 if slot == _PHOTOS else 0,
        "max_files": 25,
        "min_bytes": 1,
        "max_bytes": 31_457_280,
        "expense": slot == _MISC,
    }


def _file(f: Facts, folder_id: int, slot: int, at: int) -> dict[str, Json]:
    dice = f.dice(f"file/{slot}/{at}")
    ident = f.base + slot * 20 + at
    ending, mime = dice.pick(_KINDS)
    sent = f.state.service + at * 700 + dice.below(HOUR)
    reviewed = bool(f.steps[APPROVED]) and dice.chance(70)
    link = f"{_STORE}/{f.id}/{ident}.{ending}?Expires={sent + 900}&Signature={digest(str(ident))[:24]}"
    return {
        "upload_unique_id": f"u{ident:x}",
        "id": ident,
        "author": f.tech.card(),
        "reviewer": f.manager.brief() if reviewed else NOTHING,
        "file": {
            "name": f"{f.device} {at + 1}é.{ending}",
            "mime": mime,
            "size_bytes": dice.between(2_000, 4_000_000),
            "thumbnail": f"{_STORE}/{f.id}/{ident}_t.jpg",
            "link": link,
            "description": "After" if dice.chance(30) else "",
            "type": mime.split("/")[0],
            "icon": f"icon-{ending}",
            "preview": f"{_STORE}/{f.id}/{ident}_p.jpg",
        },
        "created": f.precise(sent) if at % 2 else f.date(sent),
        "time_zone": {"name": f.place.time_zone()["name"], "short": f.place.time_zone()["short"]},
        "notes": dice.pick(REMARKS) if dice.chance(15) else "",
        "status": "approved" if reviewed else "pending",
        "status_description": "Looks good" if reviewed else "",
        "task": {"id": f.base + 3, "type": {"id": 3}} if slot == _PHOTOS else NOTHING,
        "reviewed": f.date(f.steps[APPROVED] if reviewed else 0),
        "expense": {"id": f.base + 30} if slot == _MISC or dice.chance(8) else NOTHING,
        "show_before_assignment": slot == 1,
        "actions": ["delete"],
        "folder_id": folder_id,
        "workorder_id": f.id,
        "coords": {"latitude": f.place.latitude, "longitude": f.place.longitude, "exact": True}
        if ending == "jpg"
        else NOTHING,
    }


def attachments(f: Facts) -> Json:
    """Up to three folders; the second belongs to a task."""
    folders = [folder(f, 1)]
    if f.id % 3 == 0:
        folders.append(folder(f, 2, task=f.base + 3))
    if f.id % 4 == 0 or f.edits.files:
        folders.append(folder(f, 3))
    return f.listing(
        folders,
        correlation_id=f.digest("attachments"),
        actions=["create_folder"],
        sum={"unreviewed": sum(row["metadata"]["total"] for row in folders) if not f.steps[APPROVED] else 0},
    )


def shipments(f: Facts) -> Json:
    """Parcels to and from the site."""
    dice = f.dice("shipments")
    rows = []
    for at in range((0, 0, 0, 0, 0, 0, 1, 2)[dice.below(8)]):
        carrier = dice.pick(("fedex", "ups", "usps", "other"))
        sent = f.state.service - 40 * HOUR
        tracking = f"1Z{dice.below(10**12):012d}"
        arrived = f.done and dice.chance(80)
        rows.append(
            {
                "id": f.base + 70 + at,
                "user": f.manager.brief(),
                "name": f"{f.device}, boxed",
                "actions": ["edit", "delete"],
                "direction": "to_site" if at == 0 else "from_site",
                "location": {
                    "name": f.place.name,
                    **f.place.address(),
                    "coordinates": {
                        "latitude": f.place.latitude,
                        "longitude": f.place.longitude,
                        "exact": f.place.exact,
                    },
                    "map_href": f"https://maps.example/?q={f.place.latitude},{f.place.longitude}",
                },
                "carrier": {
                    "name": carrier,
                    "other": "Bike courier" if carrier == "other" else "",
                    "tracking": tracking,
                    "link_href": f"https://track.example/{tracking}",
                    "arrival": {"utc": f.date(sent + 30 * HOUR)["utc"]},
                    "arrived": {"utc": f.date(sent + 31 * HOUR)["utc"] if arrived else ""},
                },
                "created": {"utc": f.date(sent)["utc"]},
                "task_id": f.base + 6 if at == 0 else None,
                "status": "delivered" if arrived else "in_transit",
            }
        )
    return f.listing(rows, correlation_id=f.digest("shipments"), actions=["add"])


_SCRIBBLE = "data:image/svg+xml;base64,PHN2Zz48cGF0aCBkPSJNMCAwTDkgOSIvPjwvc3ZnPg=="


def signatures(f: Facts) -> Json:
    """What the client signed; every sixth signed the visits too (`worklog`)."""
    dice = f.dice("signatures")
    rows = []
    for at in range(1 if f.done and dice.chance(40) else 0):
        signed = f.steps[4] - 600
        row: dict[str, Json] = {
            "id": f.base + 80 + at,
            "name": f.place.contact,
            "format": "svg",
            "data": _SCRIBBLE,
            "hash": digest(f"{f.id}/signature"),
            "author": {"id": f.tech.id},
            "created": f.date(signed),
            "worklog": NOTHING,
            "time_zone": {"name": f.place.time_zone()["name"]},
            "task": {"id": f.base + 11},
            "closing_notes": dice.pick(REMARKS),
            "actions": ["delete"],
        }
        if f.id % 6 == 0:
            row["worklog"] = _worklog(f)
        rows.append(row)
    return f.listing(rows, correlation_id=f.digest("signatures"), actions=["add"])


def _worklog(f: Facts) -> Json:
    logs = [time_log(f, number) for number in log_numbers(f)]
    open_log: Json = NOTHING
    if logs:
        open_log = {**logs[-1], "on_time": True, "was_early": False}
    meta = {"total": len(logs), "page": 1, "pages": 1, "per_page": len(logs)}
    return {
        "metadata": {**meta, "columns": "id,in,out", "view": "list", "sort": "in", "order": "asc"},
        "results": logs,
        "correlation_id": f.digest("worklog"),
        "actions": msgspec.Raw(b"[]"),
        "hours": round(sum(log["hours"] for log in logs), 2),
        "open_time_log": open_log,
    }
