"""Makes a decoded record fit its schema, in place: a walker compiled once a stream from the schema.

What the API sends loosely (numeric strings, ``[]`` for an empty object, ``""`` for no number, placeholders with id 0)
becomes what the schema says; what cannot be made to fit becomes null and is counted, and so is a key that no schema
names: it is dropped. Nothing here raises, and no record is lost.
"""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, field

from tap_fieldnation.records import schema as keywords
from tap_fieldnation.timestamps import is_unset, to_rfc3339

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_fieldnation.records.schema import Node

Clean = t.Callable[[t.Any], t.Any]

# How a value is cleaned: it is left as it is where it is of one of these types and, if they are bounded, no further
# from 0 than this number; the function is for all else. Calling it for every value would cost half as much again.
FieldRule = tuple[frozenset[type], float, Clean]

# What the API sends in many places and what says nothing of the thing itself: what the caller may do with it,
# a hash or an id of the answer, and how long the server took.
OMITTED_EVERYWHERE = frozenset({"actions", "correlation_id", "timings"})

INT64 = range(-(2**63), 2**63)
MOST = 1e300
_UNBOUNDED = 0
_EMPTY: tuple[t.Any, ...] = ("", [], {})
_WORDS = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False, "1.0": True, "0.0": False}


@dataclass
class Findings:
    """What did not fit, by place in the record (``pay.base.amount``), with how often.

    Attributes:
        unknown: Keys that the schema does not name.
        nulled: Values that could not be made to fit their type.
    """

    unknown: Counter[str] = field(default_factory=Counter)
    nulled: Counter[str] = field(default_factory=Counter)


def compile_conformer(node: Node, findings: Findings, cut: frozenset[str] = frozenset()) -> Callable[[Node], Node]:
    """A function that cleans a record in place and returns it.

    Args:
        node: The resolved schema, our own keywords in it.
        findings: Where what did not fit is counted.
        cut: Places (``tags``, ``pay.bonuses``) that are known, but belong to another stream: dropped uncounted.
    """
    clean = _object(node, "", findings, cut)

    def walk(record: Node) -> Node:
        return clean(record) or record

    return walk


def _compile(node: Node, place: str, findings: Findings, cut: frozenset[str]) -> FieldRule:
    kind = next(name for name in _listed(node["type"]) if name != "null")
    if kind == "object":
        is_date = node.get("properties", {}).keys() == {"utc", "local"}
        return frozenset(), _UNBOUNDED, (_date_object if is_date else _object)(node, place, findings, cut)
    if kind == "array":
        return frozenset(), _UNBOUNDED, _array(node, place, findings, cut)
    if node.get("format") == "date-time":
        kind = "moment"
    elif keywords.STRIP_QUERY in node:
        kind = "link"
    plain, most, function = _LEAVES[kind]
    return frozenset(plain), most, _reporting(function, place, findings)


def _listed(kind: str | list[str]) -> list[str]:
    return [kind] if isinstance(kind, str) else kind


def _object(node: Node, place: str, findings: Findings, cut: frozenset[str]) -> Clean:  # noqa: C901
    properties = node.get("properties")
    if not properties:
        return lambda value: value if type(value) is dict and value else _nothing(value, place, findings)
    prefix = f"{place}." if place else ""
    table = {
        child.get(keywords.SOURCE, name): _compile(child, f"{prefix}{name}", findings, cut)
        for name, child in properties.items()
    }
    renamed = {child[keywords.SOURCE]: name for name, child in properties.items() if keywords.SOURCE in child}
    left_out = OMITTED_EVERYWHERE.union(
        node.get(keywords.LEFT_OUT, ()), (path[len(prefix) :] for path in cut if path.startswith(prefix))
    )
    placeholder = node.get(keywords.PLACEHOLDER_ID)
    has_moment = "utc" in properties
    way_of = table.get

    def clean(value: t.Any) -> t.Any:  # noqa: C901, PLR0912  (in one piece: it runs for every object of every record)
        if type(value) is not dict:
            return _nothing(value, place, findings)
        dropped: list[str] | None = None
        for key, item in value.items():
            way = way_of(key)
            if way is None:
                if dropped is None:
                    dropped = []
                dropped.append(key)
            elif item is not None:
                plain, most, function = way
                if type(item) not in plain or (most and not -most <= item <= most):
                    value[key] = function(item)
        if dropped:
            for key in dropped:
                del value[key]
                if key not in left_out:
                    findings.unknown[f"{prefix}{key}"] += 1
        if renamed:
            for key, name in renamed.items():
                if key in value:
                    value[name] = value.pop(key)
        if placeholder is not None and value.get("id") == placeholder:
            return None
        return _moment_or_none(value) if has_moment else value

    return clean


def _date_object(node: Node, place: str, findings: Findings, cut: frozenset[str]) -> Clean:
    """``{"utc": …, "local": {…}}``, of which a work order has dozens: the way for what nearly all of them are."""
    careful = _object(node, place, findings, cut)

    def clean(value: t.Any) -> t.Any:
        try:
            utc, local = value["utc"], value["local"]
            if len(value) == len(local) == 2:  # noqa: PLR2004
                date, time = local["date"], local["time"]
                if utc == date == time == "":
                    return None
                if type(date) is type(time) is str and time and not is_unset(date):
                    value["utc"] = to_rfc3339(utc)
                    return value
        except (TypeError, ValueError, OverflowError, KeyError, AttributeError):
            pass
        return careful(value)

    return clean


def _moment_or_none(value: Node) -> Node | None:
    """A cleaned object with a moment in it; None where it is unset, and nothing else is said."""
    local = value.get("local")
    for clock in (value, local):
        if clock and is_unset(clock.get("date") or ""):
            for key in ("date", "time"):
                if key in clock and (clock[key] is None or not clock[key].strip("0:- ")):
                    clock[key] = None
    said = (item for key, item in value.items() if key != "local")
    return value if any(said) or (local and any(local.values())) else None


def _array(node: Node, place: str, findings: Findings, cut: frozenset[str]) -> Clean:
    plain, most, function = _compile(node["items"], f"{place}[]", findings, cut)

    def clean(value: t.Any) -> t.Any:
        if type(value) is dict and value:
            # PHP writes a list with a gap as an object; and where there can be one item only, it may come by itself.
            value = list(value.values()) if all(map(str.isdigit, value)) else [value]
        if type(value) is not list:
            return _nothing(value, place, findings)
        for index, item in enumerate(value):
            if item is not None and (type(item) not in plain or (most and not -most <= item <= most)):
                value[index] = function(item)
        return value

    return clean


def _nothing(value: t.Any, place: str, findings: Findings) -> None:
    """Null, in place of something that is no container: quietly where it stands for 'nothing'."""
    if value not in _EMPTY and value is not False:
        findings.nulled[place] += 1


def _reporting(function: Clean, place: str, findings: Findings) -> Clean:
    """`function`, with what it cannot make fit turned into null and counted."""

    def clean(value: t.Any) -> t.Any:
        try:
            return function(value)
        except (TypeError, ValueError, KeyError, OverflowError):
            findings.nulled[place] += 1
            return None

    return clean


def _string(value: t.Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    _none_if_empty(value)
    return None


def _link(value: t.Any) -> str | None:
    if isinstance(value, str):
        return value.partition("?")[0]
    _none_if_empty(value)
    return None


def _moment(value: t.Any) -> str | None:
    if isinstance(value, str):
        return to_rfc3339(value)
    _none_if_empty(value)
    return None


def _integer(value: t.Any) -> int | None:
    if type(value) is int:
        whole = value
    elif isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        whole = int(text) if "." not in text else _whole(float(text))
    elif isinstance(value, (float, bool)):
        whole = _whole(float(value))
    else:
        _none_if_empty(value)
        return None
    if whole not in INT64:
        raise OverflowError
    return whole


def _whole(value: float) -> int:
    if not value.is_integer():
        raise ValueError
    return int(value)


def _number(value: t.Any) -> float | None:
    if isinstance(value, str):
        value = value.strip().replace(",", "")
        if not value:
            return None
        value = float(value)
    elif not isinstance(value, (int, float)):
        _none_if_empty(value)
        return None
    if isinstance(value, bool) or value - value != 0 or abs(value) > MOST:  # NaN and infinity too
        raise ValueError
    return t.cast("float", value)


def _boolean(value: t.Any) -> bool | None:
    if isinstance(value, (str, int, float)):
        word = str(value).strip().lower()
        return _WORDS[word] if word else None
    _none_if_empty(value)
    return None


def _none_if_empty(value: t.Any) -> None:
    if value not in _EMPTY:
        raise TypeError


_LEAVES: t.Mapping[str, tuple[set[type], float, Clean]] = {
    "string": ({str}, _UNBOUNDED, _string),
    "link": (set(), _UNBOUNDED, _link),
    "moment": (set(), _UNBOUNDED, _moment),
    "integer": ({int}, INT64[-1], _integer),
    "number": ({int, float}, MOST, _number),
    "boolean": ({bool}, _UNBOUNDED, _boolean),
}
