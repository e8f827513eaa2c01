"""Which requests fail on purpose: a plan of rules, each for so many requests of a kind.

    api.faults([{"match": {"path": "/workorders", "nth": 3, "times": 2}, "do": "429-seconds", "seconds": 7}])

`match` may hold `path` (as in the log; `*` at its end stands for any rest; `token` for the token endpoint),
`method`, `params` (name and value), `nth` (the first request that fails, counted from 1 over those that
match; default 1) and `times` (how many fail, one after another; 0 = all from there on; default 1). `do` is
a name of `failing.FAULTS`; all other keys are options of that fault.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .failing import FAULTS
from .messages import LOGIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .json import Json
    from .messages import Request

_MATCHES = {"path", "method", "params", "nth", "times"}


@dataclass
class Rule:
    """One fault, the requests that it is for, and how often it was met and served."""

    do: str
    path: str = "*"
    method: str = ""
    params: dict[str, str] = field(default_factory=dict)
    nth: int = 1
    times: int = 1
    options: dict[str, Json] = field(default_factory=dict)
    met: int = 0
    served: int = 0

    @property
    def due(self) -> bool:
        """Whether not all of its faults were served yet (for `times` 0: none)."""
        return self.served < max(1, self.times)

    def meets(self, request: Request) -> bool:
        """Whether the rule is about this request, failing or not."""
        path = self.path.removesuffix("*")
        here = request.path.startswith(path) if self.path.endswith("*") else request.path == path
        same = not self.method or request.method == self.method
        return here and same and all(request.params.get(name) == text for name, text in self.params.items())

    def wants(self) -> bool:
        """Whether the request that was just met has to fail."""
        return self.met >= self.nth and (self.times == 0 or self.met < self.nth + self.times)


class FaultPlan:
    """The rules in force. The first rule that wants a request gets it; all that meet it count it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def set(self, rules: Iterable[Mapping[str, Json]]) -> None:
        """Replace the plan; all counting starts anew. ValueError for a name that is not known."""
        fresh = [_rule(rule) for rule in rules]
        with self._lock:
            self._rules = fresh

    def pick(self, request: Request) -> Rule | None:
        """The rule by which this request fails."""
        with self._lock:
            found = None
            for rule in self._rules:
                if rule.meets(request):
                    rule.met += 1
                    if found is None and rule.wants():
                        found = rule
            return found

    def note_served(self, rule: Rule) -> None:
        """Count a fault that really went out."""
        with self._lock:
            rule.served += 1

    def unserved(self) -> list[str]:
        """Names of the faults that were planned and not (all) served."""
        with self._lock:
            return [rule.do for rule in self._rules if rule.due]


def _rule(given: Mapping[str, Json]) -> Rule:
    match = dict(given.get("match", {}))
    unknown = match.keys() - _MATCHES
    if unknown:
        raise ValueError(f"a fault cannot be matched by {', '.join(sorted(unknown))}")
    name = str(given["do"])
    if name not in FAULTS:
        raise ValueError(f"no such fault: {name} (there are: {', '.join(sorted(FAULTS))})")
    if match.get("path") == "token":
        match["path"] = LOGIN
    options = {key: value for key, value in given.items() if key not in ("match", "do")}
    return Rule(do=name, options=options, **match)
