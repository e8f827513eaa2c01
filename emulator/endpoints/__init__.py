"""The routes besides `/workorders`, one module for each kind of resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import (
    clients,
    definitions,
    locations,
    provider_requests,
    site_revisits,
    talent_pools,
    templates,
    users,
    work_orders,
)

if TYPE_CHECKING:
    from emulator.context import ApiContext

_MODULES = (
    clients,
    definitions,
    locations,
    provider_requests,
    site_revisits,
    talent_pools,
    templates,
    users,
    work_orders,
)


def register(api: ApiContext) -> None:
    """Add the routes of all modules."""
    for module in _MODULES:
        module.register(api)
