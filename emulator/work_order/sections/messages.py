"""Messages: the work order carries their number only, the rows stand behind an endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.people import NOBODY_PICTURE
from emulator.company.state import STATUS_NAMES
from emulator.company.words import REMARKS
from emulator.work_order.facts import NOTHING, Facts

if TYPE_CHECKING:
    from emulator.company.dice import Dice
    from emulator.json import Json


def _first_count(f: Facts) -> int:
    return (0, 0, 0, 1, 2, 3, 5)[f.dice("messages").below(7)] if f.steps[1] else 0


def message_count(f: Facts) -> int:
    """What `messages.metadata.total` says: messages at the top, not their replies."""
    return _first_count(f) + f.edits.messages


def messages(f: Facts) -> list[dict[str, Json]]:
    """All messages, the newest first, each with its `replies`; ids are strings."""
    dice = f.dice("messages/text")
    total = message_count(f)
    rows = []
    for number in range(total):
        at = f.steps[0] + 4_000 + number * 9_000 + dice.below(2_000)
        row = _message(f, dice, number * 10, "0", at)
        row["replies"] = [
            _message(f, dice, number * 10 + reply, row["msg_id"], at + reply * 600)
            for reply in range(1, 1 + dice.below(3))
        ]
        row["sharedText"] = "Visible to buyer and provider"
        rows.append(row)
    return rows[::-1]


def _message(f: Facts, dice: Dice, number: int, parent: str, at: int) -> dict[str, Json]:
    tech, manager = f.tech, f.manager
    back = dice.chance(50)
    sender, receiver = (manager, tech) if back else (tech, manager)
    roles = ("buyer", "assigned_provider") if back else ("assigned_provider", "buyer")
    ident = f.base * 10 + number
    problem: Json = NOTHING
    if dice.chance(10):
        problem = {
            "type": {"id": 3, "description": "Site not ready"},
            "resolved": dice.chance(50),
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
        if dice.chance(90)
        else {"id": 0, "name": "", "thumbnail": NOBODY_PICTURE, "role": ""},
        "role": roles[0],
        "msg_id": str(ident),
        "parent_id": parent,
        "work_order_status": STATUS_NAMES[f.state.status],
        "read": dice.chance(70),
        "created": {**f.date(at), "timezone": str(f.place.time_zone()["short"])},
        "type": "REPLY" if parent != "0" else "ASSIGNEDTECH" if back else "TECHTOMANAGER",
        "message": dice.pick(REMARKS),
        "problem": problem,
        "actions": ["reply"],
    }
