"""Map request paths to handlers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from .http import Response

Handler = TypeVar("Handler", bound=Callable[..., Response])


class Router:
    """Routes such as `/workorders/{id}/tags`; a literal segment takes precedence over a placeholder.

    A handler is called with the request, the name of the user, and the placeholders as keyword arguments.
    """

    def __init__(self) -> None:
        self._routes: dict[int, list[tuple[tuple[str, ...], Callable[..., Response]]]] = {}

    def add(self, route: str, handler: Callable[..., Response]) -> None:
        """Add a route."""
        segments = tuple(route.strip("/").split("/"))
        routes = self._routes.setdefault(len(segments), [])
        routes.append((segments, handler))
        routes.sort(key=lambda entry: [segment.startswith("{") for segment in entry[0]])

    def get(self, route: str) -> Callable[[Handler], Handler]:
        """Add the decorated function as the handler of a route."""

        def register(handler: Handler) -> Handler:
            self.add(route, handler)
            return handler

        return register

    def find(self, path: str) -> tuple[Callable[..., Response], dict[str, str]] | None:
        """The handler of a path, and the values of its placeholders; None if no route matches."""
        segments = path.strip("/").split("/")
        for route, handler in self._routes.get(len(segments), []):
            values = {}
            for expected, segment in zip(route, segments, strict=True):
                if expected.startswith("{"):
                    values[expected[1:-1]] = segment
                elif expected != segment:
                    break
            else:
                return handler, values
        return None
