"""What the route modules need to register their handlers, and what the handlers read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .router import Router

if TYPE_CHECKING:
    from .company.company import Company
    from .switches import Switches


@dataclass
class ApiContext:
    """The company behind the API, the current switches (replaced while the emulator runs), and the routes."""

    company: Company
    switches: Switches
    router: Router = field(default_factory=Router)
