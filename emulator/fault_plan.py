"""Fault injection: which requests fail, and with which fault.

    api.faults([{"match": {"path": "/workorders", "nth": 3, "times": 2}, "do": "429-seconds", "seconds": 7}])

Keys of `match`, all optional: `path` (as in the log; a trailing `*` matches any suffix; `token` is the token endpoint),
`method`, `params` (name to value), `nth` (the first matching request that fails, counted from 1; default 1) and `times`
(how many consecutive ones fail; 0 = all from there on; default 1). `do` is a name in `faults.FAULTS`; all other keys
are options of that fault.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .faults import FAULTS
from .http import TOKEN_PATH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .http import Request
    from .json import Json

_MATCH_KEYS = {"path", "method", "params", "nth", "times"}


@dataclass
class Rule:
    """One fault, the requests that it applies to, and how many of them were matched and failed."""

    do: str
    path: str = "*"
    method: str = ""
    params: dict[str, str] = field(default_factory=dict)
    nth: int = 1
    times: int = 1
    options: dict[str, Json] = field(default_factory=dict)
    matched: int = 0
    served: int = 0

    @property
    def is_unserved(self) -> bool:
        """Whether it was served less often than planned (if `times` is 0: never)."""
        return self.served < max(1, self.times)

    def matches(self, request: Request) -> bool:
        """Whether the rule applies to this request, whether or not it is this one's turn to fail."""
        prefix = self.path.removesuffix("*")
        same_path = request.path.startswith(prefix) if self.path.endswith("*") else request.path == prefix
        same_method = not self.method or request.method == self.method
        return same_path and same_method and all(request.params.get(name) == text for name, text in self.params.items())

    def is_due(self) -> bool:
        """Whether the request matched last has to fail."""
        return self.matched >= self.nth and (self.times == 0 or self.matched < self.nth + self.times)


class FaultPlan:
    """The active rules. Every matching rule counts a request; the first one that is due fails it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def set(self, rules: Iterable[Mapping[str, Json]]) -> None:
        """Replace all rules and their counts. ValueError for an unknown fault or key of `match`."""
        parsed = [_parse(rule) for rule in rules]
        with self._lock:
            self._rules = parsed

    def next_fault(self, request: Request) -> Rule | None:
        """Count the request; the rule by which it fails, if any."""
        with self._lock:
            due = None
            for rule in self._rules:
                if rule.matches(request):
                    rule.matched += 1
                    if due is None and rule.is_due():
                        due = rule
            return due

    def mark_served(self, rule: Rule) -> None:
        """Count a fault that was sent."""
        with self._lock:
            rule.served += 1

    def unserved(self) -> list[str]:
        """Names of the faults that have not been served, or not as often as planned."""
        with self._lock:
            return [rule.do for rule in self._rules if rule.is_unserved]


def _parse(rule: Mapping[str, Json]) -> Rule:
    match = dict(rule.get("match", {}))
    unknown = match.keys() - _MATCH_KEYS
    if unknown:
        raise ValueError(f"unknown keys in `match` of a fault: {', '.join(sorted(unknown))}")
    name = str(rule["do"])
    if name not in FAULTS:
        raise ValueError(f"no such fault: {name} (available: {', '.join(sorted(FAULTS))})")
    if match.get("path") == "token":
        match["path"] = TOKEN_PATH
    options = {key: value for key, value in rule.items() if key not in ("match", "do")}
    return Rule(do=name, options=options, **match)
