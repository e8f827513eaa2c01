"""The sections of a work order by key, in the order in which the API sends them."""

from __future__ import annotations

from collections.abc import Callable

from emulator.json import Json
from emulator.work_order.facts import Facts

from .basics import BASICS
from .custom_fields import custom_fields
from .files import attachments, shipments, signatures
from .legacy import LEGACY
from .location import location
from .networks import networks, qualifications
from .pay import pay
from .people import PEOPLE
from .problems import problems
from .production import ADDITIONS, EXTENSIONS
from .status import STATUS
from .swaps import swaps
from .tasks import tasks
from .time_logs import time_logs
from .timing import TIMING

Section = Callable[[Facts], Json]

SECTIONS: dict[str, Section] = {
    **BASICS,
    **STATUS,
    **PEOPLE,
    **TIMING,
    "location": location,
    "networks": networks,
    "qualifications": qualifications,
    "pay": pay,
    "custom_fields": custom_fields,
    "attachments": attachments,
    "shipments": shipments,
    "signatures": signatures,
    "time_logs": time_logs,
    "tasks": tasks,
    "problems": problems,
    "swaps": swaps,
    **LEGACY,
    **ADDITIONS,
}


def is_sent(name: str, f: Facts) -> bool:
    """Whether the payload of a work order has a section."""
    return name in SECTIONS and (f.payload.production or name not in ADDITIONS)


def section(name: str, f: Facts) -> Json:
    """The content of a section."""
    content = SECTIONS[name](f)
    extend = EXTENSIONS.get(name) if f.payload.production else None
    return extend(content, f) if extend else content
