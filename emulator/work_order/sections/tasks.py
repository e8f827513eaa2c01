"""The tasks of a work order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.dates import HOUR
from emulator.company.words import NOTES
from emulator.work_order.facts import EMPTY_OBJECT, Facts

from .custom_fields import field_row
from .files import folder
from .time_logs import log_numbers, time_log
from .timing import eta

if TYPE_CHECKING:
    from emulator.json import Json

#: id, key, name and group of a task type
TASK_TYPES: tuple[tuple[int, str, str, str], ...] = (
    (1, "confirmassignment", "Confirm the assignment", "prep"),
    (2, "c9", "Set a start time", "prep"),
    (3, "picture", "Take a picture", "onsite"),
    (4, "checkin", "Check in", "onsite"),
    (5, "email", "Send an e-mail", "post"),
    (6, "shipmenttracking", "Enter the tracking number", "post"),
    (7, "other", "Do something else", "onsite"),
    (8, "phone", "Call", "prep"),
    (9, "download", "Download a file", "prep"),
    (10, "customfield", "Fill in a field", "onsite"),
    (11, "signature", "Collect a signature", "onsite"),
    (12, "checkout", "Check out", "onsite"),
    (13, "closeoutnotes", "Enter closing notes", "post"),
)
_GROUP_NAMES = {"prep": "Preparation", "onsite": "On site", "post": "Afterwards"}


def task_rows(f: Facts, *, embedded: bool = True) -> list[dict[str, Json]]:
    """The tasks. `time_log` is a list if embedded in a work order, and an object in the response of the route."""
    rng = f.rng("tasks")
    kinds = rng.sample(TASK_TYPES, (0, 0, 0, 0, 1, 1, 2, 5)[rng.below(8)])
    finished = len(kinds) if f.done else min(len(kinds), (2 if f.state.started else 0) + f.edits.tasks)
    return [_task(f, kind, finished=index < finished, embedded=embedded) for index, kind in enumerate(kinds)]


def _task(f: Facts, kind: tuple[int, str, str, str], *, finished: bool, embedded: bool) -> dict[str, Json]:
    number, key, name, group = kind
    rng = f.rng(f"task/{number}")
    task_id = f.base + number
    text = rng.pick(NOTES)
    logs = log_numbers(f)
    at = f.state.service + number * 600
    log: Json = EMPTY_OBJECT
    if key in ("checkin", "checkout") and finished and logs:
        log = time_log(f, logs[0])
        log = [log] if embedded else log
    row: dict[str, Json] = {
        "id": task_id,
        "description": text,
        "descriptions": {
            "task": name,
            "first": text,
            "second": "Be polite",
            "third": f.device,
            "fourth": f.activity,
        },
        "label": name,
        "alerts": ["desk@client.example"] if rng.chance(8) else [],
        "group": {"label": _GROUP_NAMES[group], "id": group},
        "type": {"id": number, "key": key, "name": name},
        "created": f.date(f.steps[0] + 120),
        "author": f.manager.brief(),
        "status": "complete" if finished else "incomplete",
        "completed": {**f.date(at), "by": {"id": f.tech.id, "name": f.tech.name, "assigned": True}}
        if finished
        else f.date(0),
        "eta": eta(f, task_id) if key == "c9" else EMPTY_OBJECT,
        "actions": ["incomplete" if finished else "complete"],
        "time_log": log,
        "attachments": folder(f, 2, task=task_id) if key == "picture" else EMPTY_OBJECT,
        "custom_field": field_row(f, rng.pick(f.directory.fields), 1) if key == "customfield" else EMPTY_OBJECT,
        "closing_notes": text if key == "closeoutnotes" and finished else "",
        "closing_notes_internal": [text] if key == "closeoutnotes" and finished else [],
        "email": "helpdesk@client.example" if key == "email" else "",
        "phone": 5_550_100 + number if key == "phone" else 0,
    }
    if not embedded:
        row["attachment"] = _task_file(f, task_id, at) if key == "download" else EMPTY_OBJECT
        row["alerts"] = [{"id": 1, "email": "desk@client.example"}] if rng.chance(50) else []
        row["eta"] = {**eta(f, task_id), "correlation_id": f.digest("eta")} if key == "c9" else EMPTY_OBJECT
        row["work_order_id"] = f.id
    return row


def _task_file(f: Facts, task_id: int, at: int) -> dict[str, Json]:
    zone = f.location.time_zone()
    return {
        "id": task_id + 50,
        "author": f.manager.card(),
        "created": f.date(at - HOUR),
        "time_zone": {"name": zone["name"], "short": zone["short"]},
        "file": {
            "name": "floor plan.pdf",
            "mime": "application/pdf",
            "size_bytes": 81_234,
            "thumbnail": "https://files.fieldnation.example/plan_t.jpg",
            "link": f"https://files.fieldnation.example/plan/{task_id}.pdf?Signature=abc",
            "description": "Where the rack stands",
            "type": "application",
            "icon": "icon-pdf",
            "preview": "https://files.fieldnation.example/plan_p.jpg",
        },
        "show_before_assignment": True,
        "task": {"id": task_id},
        "notes": "Print it",
        "actions": "view",
    }


def tasks(f: Facts) -> Json:
    """All tasks, and the number of completed ones of each type."""
    rows = task_rows(f)
    listing = f.listing(rows, correlation_id=f.digest("tasks"), actions=["add"])
    done = {key: 0 for _, key, _, _ in TASK_TYPES}
    for row in rows:
        done[row["type"]["key"]] += row["status"] == "complete"
    listing["metadata"]["completed"] = done
    return listing
