"""Every endpoint besides the list of work orders, a module for each kind of resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import children, clients, definitions, locations, offers, talent, templates, users

if TYPE_CHECKING:
    from emulator.app import App

_MODULES = (children, offers, clients, templates, locations, definitions, talent, users)


def register(app: App) -> None:
    """Let the app's router know all of them."""
    for module in _MODULES:
        module.register(app)
