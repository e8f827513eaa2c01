"""Which endpoint answers a path."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from .messages import Reply

Handler = TypeVar("Handler", bound=Callable[..., Reply])


class Router:
    """Patterns such as `/workorders/{id}/tags`; a literal part wins over a placeholder."""

    def __init__(self) -> None:
        self._routes: dict[int, list[tuple[tuple[str, ...], Callable[..., Reply]]]] = {}

    def add(self, pattern: str, handler: Callable[..., Reply]) -> None:
        """Let `handler` answer `pattern`."""
        parts = tuple(pattern.strip("/").split("/"))
        routes = self._routes.setdefault(len(parts), [])
        routes.append((parts, handler))
        routes.sort(key=lambda route: [part.startswith("{") for part in route[0]])

    def get(self, pattern: str) -> Callable[[Handler], Handler]:
        """The same as a decorator."""

        def register(handler: Handler) -> Handler:
            self.add(pattern, handler)
            return handler

        return register

    def find(self, path: str) -> tuple[Callable[..., Reply], dict[str, str]] | None:
        """The handler of a path and the values of its placeholders."""
        parts = path.strip("/").split("/")
        for pattern, handler in self._routes.get(len(parts), []):
            values = {}
            for wanted, part in zip(pattern, parts, strict=False):
                if wanted.startswith("{"):
                    values[wanted[1:-1]] = part
                elif wanted != part:
                    break
            else:
                return handler, values
        return None
