"""Messages: a work order only has their number; a route of their own lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.people import PLACEHOLDER_PICTURE
from emulator.company.state import STATUS_NAMES
from emulator.company.words import NOTES
from emulator.work_order.facts import EMPTY_OBJECT, Facts

if TYPE_CHECKING:
    from emulator.company.rng import Rng
    from emulator.json import Json


def _first_count(f: Facts) -> int:
    return (0, 0, 0, 1, 2, 3, 5)[f.rng("messages").below(7)] if f.steps[1] else 0


def message_count(f: Facts) -> int:
    """`messages.metadata.total`: the number of messages, without replies."""
    return _first_count(f) + f.edits.messages


def messages(f: Facts) -> list[dict[str, Json]]:
    """All messages, newest first, each with its `replies`; ids are strings."""
    rng = f.rng("messages/text")
    total = message_count(f)
    rows = []
    for number in range(total):
        at = f.steps[0] + 4_000 + number * 9_000 + rng.below(2_000)
        row = _message(f, rng, number * 10, "0", at)
        row["replies"] = [
            _message(f, rng, number * 10 + reply, row["msg_id"], at + reply * 600)
            for reply in range(1, 1 + rng.below(3))
        ]
        row["sharedText"] = "Visible to buyer and provider"
        rows.append(row)
    return rows[::-1]


def _message(f: Facts, rng: Rng, number: int, parent: str, at: int) -> dict[str, Json]:
    tech, manager = f.tech, f.manager
    from_manager = rng.chance(50)
    sender, receiver = (manager, tech) if from_manager else (tech, manager)
    roles = ("buyer", "assigned_provider") if from_manager else ("assigned_provider", "buyer")
    ident = f.base * 10 + number
    problem: Json = EMPTY_OBJECT
    if rng.chance(10):
        problem = {
            "type": {"id": 3, "description": "Site not ready"},
            "resolved": rng.chance(50),
            "flag_id": 70_000 + ident % 10_000,
            "can_resolve": True,
            "escalate": False,
            "zendesk_ticket_id": 900_000 + ident % 9_000,
        }
    return {
        "from": {
            "id": sender.id,
            "name": sender.name,
            "thumbnail": sender.picture,
            "role": roles[0],
            "hideWoManager": False,
            "msgLink": f"/marketplace/profile/{sender.id}",
        },
        "to": {"id": receiver.id, "name": receiver.name, "thumbnail": receiver.picture, "role": roles[1]}
        if rng.chance(90)
        else {"id": 0, "name": "", "thumbnail": PLACEHOLDER_PICTURE, "role": ""},
        "role": roles[0],
        "msg_id": str(ident),
        "parent_id": parent,
        "work_order_status": STATUS_NAMES[f.state.status],
        "read": rng.chance(70),
        "created": {**f.date(at), "timezone": str(f.location.time_zone()["short"])},
        "type": "REPLY" if parent != "0" else "ASSIGNEDTECH" if from_manager else "TECHTOMANAGER",
        "message": rng.pick(NOTES),
        "problem": problem,
        "actions": ["reply"],
    }
