"""Attachments, shipments and signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from emulator.company.dates import HOUR
from emulator.company.rng import digest
from emulator.company.state import APPROVED
from emulator.company.words import NOTES
from emulator.work_order.facts import EMPTY_OBJECT, Facts

from .time_logs import log_numbers, time_log

if TYPE_CHECKING:
    from emulator.json import Json

_STORE = "https://files.fieldnation.example"
_SLOTS = (("slot", "Work order files"), ("slot", "Photos before & after"), ("misc", "Miscellaneous"))
_PHOTOS, _MISC = 2, 3
_KINDS = (("jpg", "image/jpeg"), ("pdf", "application/pdf"), ("png", "image/png"))


def folder(f: Facts, slot: int, task: int = 0) -> dict[str, Json]:
    """One folder with its files; `slot` is its number."""
    kind, name = _SLOTS[slot - 1]
    rng = f.rng(f"folder/{slot}")
    count = (0, 0, 0, 0, 0, 1, 3)[rng.below(7)] if f.state.started else rng.below(8) // 7
    if slot == _MISC:
        count += f.edits.files
    ident = f.base + 40 + slot
    return {
        "id": ident,
        "name": name,
        "type": kind,
        "task": {"id": task, "type": {"id": 3}} if task else EMPTY_OBJECT,
        "actions": ["upload"],
        **f.listing([_file(f, ident, slot, index) for index in range(count)]),
        "min_files": 1 if slot == _PHOTOS else 0,
        "max_files": 25,
        "min_bytes": 1,
        "max_bytes": 31_457_280,
        "expense": slot == _MISC,
    }


def _file(f: Facts, folder_id: int, slot: int, index: int) -> dict[str, Json]:
    rng = f.rng(f"file/{slot}/{index}")
    file_id = f.base + slot * 20 + index
    extension, mime = rng.pick(_KINDS)
    sent = f.state.service + index * 700 + rng.below(HOUR)
    reviewed = bool(f.steps[APPROVED]) and rng.chance(70)
    link = f"{_STORE}/{f.id}/{file_id}.{extension}?Expires={sent + 900}&Signature={digest(str(file_id))[:24]}"
    return {
        "upload_unique_id": f"u{file_id:x}",
        "id": file_id,
        "author": f.tech.card(),
        "reviewer": f.manager.brief() if reviewed else EMPTY_OBJECT,
        "file": {
            "name": f"{f.device} {index + 1}é.{extension}",
            "mime": mime,
            "size_bytes": rng.between(2_000, 4_000_000),
            "thumbnail": f"{_STORE}/{f.id}/{file_id}_t.jpg",
            "link": link,
            "description": "After" if rng.chance(30) else "",
            "type": mime.split("/")[0],
            "icon": f"icon-{extension}",
            "preview": f"{_STORE}/{f.id}/{file_id}_p.jpg",
        },
        "created": f.precise(sent) if index % 2 else f.date(sent),
        "time_zone": {"name": f.location.time_zone()["name"], "short": f.location.time_zone()["short"]},
        "notes": rng.pick(NOTES) if rng.chance(15) else "",
        "status": "approved" if reviewed else "pending",
        "status_description": "Looks good" if reviewed else "",
        "task": {"id": f.base + 3, "type": {"id": 3}} if slot == _PHOTOS else EMPTY_OBJECT,
        "reviewed": f.date(f.steps[APPROVED] if reviewed else 0),
        "expense": {"id": f.base + 30} if slot == _MISC or rng.chance(8) else EMPTY_OBJECT,
        "show_before_assignment": slot == 1,
        "actions": ["delete"],
        "folder_id": folder_id,
        "workorder_id": f.id,
        "coords": {"latitude": f.location.latitude, "longitude": f.location.longitude, "exact": True}
        if extension == "jpg"
        else EMPTY_OBJECT,
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
    """Shipments to and from the site."""
    rng = f.rng("shipments")
    rows = []
    for index in range((0, 0, 0, 0, 0, 0, 1, 2)[rng.below(8)]):
        carrier = rng.pick(("fedex", "ups", "usps", "other"))
        sent = f.state.service - 40 * HOUR
        tracking = f"1Z{rng.below(10**12):012d}"
        is_delivered = f.done and rng.chance(80)
        rows.append(
            {
                "id": f.base + 70 + index,
                "user": f.manager.brief(),
                "name": f"{f.device}, boxed",
                "actions": ["edit", "delete"],
                "direction": "to_site" if index == 0 else "from_site",
                "location": {
                    "name": f.location.name,
                    **f.location.address(),
                    "coordinates": {
                        "latitude": f.location.latitude,
                        "longitude": f.location.longitude,
                        "exact": f.location.exact,
                    },
                    "map_href": f"https://maps.example/?q={f.location.latitude},{f.location.longitude}",
                },
                "carrier": {
                    "name": carrier,
                    "other": "Bike courier" if carrier == "other" else "",
                    "tracking": tracking,
                    "link_href": f"https://track.example/{tracking}",
                    "arrival": {"utc": f.date(sent + 30 * HOUR)["utc"]},
                    "arrived": {"utc": f.date(sent + 31 * HOUR)["utc"] if is_delivered else ""},
                },
                "created": {"utc": f.date(sent)["utc"]},
                "task_id": f.base + 6 if index == 0 else None,
                "status": "delivered" if is_delivered else "in_transit",
            }
        )
    return f.listing(rows, correlation_id=f.digest("shipments"), actions=["add"])


_DRAWING = "data:image/svg+xml;base64,PHN2Zz48cGF0aCBkPSJNMCAwTDkgOSIvPjwvc3ZnPg=="


def signatures(f: Facts) -> Json:
    """Signatures of the client; every sixth includes the time logs (`worklog`)."""
    rng = f.rng("signatures")
    rows = []
    for index in range(1 if f.done and rng.chance(40) else 0):
        signed = f.steps[4] - 600
        row: dict[str, Json] = {
            "id": f.base + 80 + index,
            "name": f.location.contact,
            "format": "svg",
            "data": _DRAWING,
            "hash": digest(f"{f.id}/signature"),
            "author": {"id": f.tech.id},
            "created": f.date(signed),
            "worklog": EMPTY_OBJECT,
            "time_zone": {"name": f.location.time_zone()["name"]},
            "task": {"id": f.base + 11},
            "closing_notes": rng.pick(NOTES),
            "actions": ["delete"],
        }
        if f.id % 6 == 0:
            row["worklog"] = _worklog(f)
        rows.append(row)
    return f.listing(rows, correlation_id=f.digest("signatures"), actions=["add"])


def _worklog(f: Facts) -> Json:
    logs = [time_log(f, number) for number in log_numbers(f)]
    open_log: Json = EMPTY_OBJECT
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
