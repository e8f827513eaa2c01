"""Makes decoded records fit their schema, in place. A conformer is compiled from the schema once for each stream.

Values that the API sends in a loose form (numeric strings, ``[]`` for an empty object, ``""`` for no number,
placeholders with the id 0) are converted to the type in the schema. So are the forms that differ between versions of
the API: a list with or without its envelope, and a date as an object or as text. An empty string becomes null. A value
that cannot be converted becomes null and is counted. A key that is not in the schema is dropped and counted. Conforming
never raises, and never drops a record.
"""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, field

from typing_extensions import override

from tap_fieldnation.records import schema as keywords
from tap_fieldnation.timestamps import is_unset, to_rfc3339

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_fieldnation.records.schema import JsonSchema

Record = dict[str, t.Any]
Convert = t.Callable[[t.Any], t.Any]

# How a value is conformed: values of these types pass unchanged if their absolute value is within the limit (if there
# is one); the function converts all others. Calling it for every value would cost 50 % more. An empty string never
# gets here: it is null.
FieldRule = tuple[frozenset[type], float, Convert]

# Keys in many objects that are not data of the object: what the caller may do with it, a hash or an id of the response,
# and how long the server took.
IGNORED_EVERYWHERE = frozenset({"actions", "correlation_id", "timings"})

# The key of the items in the envelope of a list, and what else is in it.
RESULTS = "results"
ENVELOPE = IGNORED_EVERYWHERE | {RESULTS, "metadata", "sum"}

INT64 = range(-(2**63), 2**63)
MAX_NUMBER = 1e300
NO_LIMIT = 0
_EMPTY: tuple[t.Any, ...] = (None, "", [], {})
_BOOLEANS = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False, "1.0": True, "0.0": False}


# This many places are counted one by one. A server can send different keys in each row.
MAX_PLACES = 1_000
MAX_PLACE_LENGTH = 200
OTHERS = "others"


class Places(Counter[str]):
    """Counts by place, for a limited number of places: all further ones count as `OTHERS`."""

    @override
    def __setitem__(self, place: str, number: int) -> None:
        if place not in self and len(place) > MAX_PLACE_LENGTH:
            place = f"{place[:MAX_PLACE_LENGTH]}…"
            number += self[place]
        if place not in self and len(self) >= MAX_PLACES:
            place, number = OTHERS, self[OTHERS] + number
        super().__setitem__(place, number)


@dataclass
class Mismatches:
    """What did not fit the schema: the path in the record (``pay.base.amount``), and how often.

    Attributes:
        unknown_keys: Keys that are not in the schema; they were dropped.
        invalid_values: Values that could not be converted to their type; they became null.
    """

    unknown_keys: Counter[str] = field(default_factory=Places)
    invalid_values: Counter[str] = field(default_factory=Places)


def compile_conformer(schema: JsonSchema, mismatches: Mismatches) -> Callable[[Record], Record]:
    """A function that conforms a record in place and returns it.

    Args:
        schema: The resolved schema, with the tap's own keywords.
        mismatches: Counts what does not fit.
    """
    convert = _object(schema, "", mismatches)

    def conform(record: Record) -> Record:
        return convert(record) or record

    return conform


def _compile(schema: JsonSchema, path: str, mismatches: Mismatches) -> FieldRule:
    kind = next((name for name in _types(schema.get("type")) if name in _KINDS), None)
    if kind is None:  # a property that a user added without a type
        return frozenset(), NO_LIMIT, lambda value: value
    if kind == "object":
        is_date = schema.get("properties", {}).keys() == {"utc", "local"}
        return frozenset(), NO_LIMIT, (_date_object if is_date else _object)(schema, path, mismatches)
    if kind == "array":
        return frozenset(), NO_LIMIT, _array(schema, path, mismatches)
    if schema.get("format") == "date-time":
        kind = "timestamp"
    elif keywords.STRIP_QUERY in schema:
        kind = "link"
    valid_types, limit, convert = _SCALARS[kind]
    return frozenset(valid_types), limit, _null_if_invalid(convert, path, mismatches)


def _types(kind: t.Any) -> list[t.Any]:
    return kind if isinstance(kind, list) else [kind]


def _object(schema: JsonSchema, path: str, mismatches: Mismatches) -> Convert:  # noqa: C901
    properties = schema.get("properties")
    if not properties:
        return lambda value: value if type(value) is dict and value else _no_container(value, path, mismatches)
    prefix = f"{path}." if path else ""
    rules = {
        child.get(keywords.SOURCE, name): _compile(child, f"{prefix}{name}", mismatches)
        for name, child in properties.items()
    }
    renamed = [(child[keywords.SOURCE], name) for name, child in properties.items() if keywords.SOURCE in child]
    for name, child in properties.items():
        for alias in child.get(keywords.ALIASES, ()):
            renamed.append((alias, name))
            rules[alias] = rules[child.get(keywords.SOURCE, name)]
    defaults = [(name, child[keywords.DEFAULT]) for name, child in properties.items() if keywords.DEFAULT in child]
    is_envelope = RESULTS in properties
    ignored = IGNORED_EVERYWHERE.union(schema.get(keywords.IGNORED_KEYS, ()))
    placeholder_id = schema.get(keywords.PLACEHOLDER_ID)
    has_timestamp = "utc" in properties
    rule_of = rules.get

    # In one piece, as it runs for every object of every record.
    def convert(value: t.Any) -> t.Any:  # noqa: C901, PLR0912
        if type(value) is not dict:
            if is_envelope and type(value) is list and value:
                return convert({RESULTS: value})
            if has_timestamp and type(value) is str:
                return convert({"utc": value}) if value.strip() else None
            return _no_container(value, path, mismatches)
        dropped: list[str] | None = None
        for key, item in value.items():
            rule = rule_of(key)
            if rule is None:
                if dropped is None:
                    dropped = []
                dropped.append(key)
            elif item is None:
                continue
            elif not item and item == "":  # the first test is the faster one
                value[key] = None
            else:
                valid_types, limit, convert_item = rule
                if type(item) not in valid_types or (limit and not -limit <= item <= limit):
                    value[key] = convert_item(item)
        if dropped:
            for key in dropped:
                del value[key]
                if key not in ignored:
                    mismatches.unknown_keys[f"{prefix}{key}"] += 1
        if renamed:
            for key, name in renamed:
                if key in value:
                    item = value.pop(key)
                    if value.get(name) is None:
                        value[name] = item
        for name, default in defaults:
            if value.get(name) is None:
                value[name] = default
        if placeholder_id is not None and value.get("id") == placeholder_id:
            return None
        return _none_if_unset(value) if has_timestamp else value

    return convert


def _date_object(schema: JsonSchema, path: str, mismatches: Mismatches) -> Convert:
    """``{"utc": …, "local": {…}}``, which a work order has dozens of times: a fast path for the usual form."""
    convert_any_form = _object(schema, path, mismatches)

    def convert(value: t.Any) -> t.Any:
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
        return convert_any_form(value)

    return convert


def _none_if_unset(value: Record) -> Record | None:
    """A conformed object with a timestamp; None if the timestamp is unset and everything else is empty."""
    local = value.get("local")
    for date_and_time in (value, local):
        if date_and_time and is_unset(date_and_time.get("date") or ""):
            for key in ("date", "time"):
                if key in date_and_time and (date_and_time[key] is None or not date_and_time[key].strip("0:- ")):
                    date_and_time[key] = None
    other_values = (item for key, item in value.items() if key != "local")
    return value if any(other_values) or (local and any(local.values())) else None


def _array(schema: JsonSchema, path: str, mismatches: Mismatches) -> Convert:
    items = schema.get("items")
    if not isinstance(items, dict):
        return lambda value: value if type(value) is list else _no_container(value, path, mismatches)
    valid_types, limit, convert_item = _compile(items, f"{path}[]", mismatches)
    # Items that are envelopes themselves must not be mistaken for the envelope of their list.
    may_have_envelope = RESULTS not in items.get("properties", ())

    def is_envelope(value: t.Any) -> bool:
        return may_have_envelope and type(value) is dict and RESULTS in value and value.keys() <= ENVELOPE

    def convert(value: t.Any) -> t.Any:
        if is_envelope(value):
            value = value[RESULTS]
        if type(value) is dict and value:
            # PHP encodes a list with a gap as an object; and a list of at most one item may be sent as that item.
            value = list(value.values()) if all(map(str.isdigit, value)) else [value]
        if type(value) is not list:
            return _no_container(value, path, mismatches)
        for index, item in enumerate(value):
            if item == "":
                value[index] = None
            elif item is not None and (type(item) not in valid_types or (limit and not -limit <= item <= limit)):
                value[index] = convert_item(item)
        return value

    return convert


def _no_container(value: t.Any, path: str, mismatches: Mismatches) -> None:
    """Null for a value that is neither an object nor a list; counted unless the value stands for 'empty'."""
    if value not in _EMPTY and value is not False:
        mismatches.invalid_values[path] += 1


def _null_if_invalid(convert: Convert, path: str, mismatches: Mismatches) -> Convert:
    """Like `convert`, but a value that cannot be converted becomes null and is counted."""

    def convert_or_count(value: t.Any) -> t.Any:
        try:
            return convert(value)
        except (TypeError, ValueError, KeyError, OverflowError):
            mismatches.invalid_values[path] += 1
            return None

    return convert_or_count


def _string(value: t.Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    _require_empty(value)
    return None


def _link(value: t.Any) -> str | None:
    if isinstance(value, str):
        return value.partition("?")[0] or None
    _require_empty(value)
    return None


def _timestamp(value: t.Any) -> str | None:
    if isinstance(value, dict) and "utc" in value:
        value = value["utc"]
    if isinstance(value, str):
        return to_rfc3339(value)
    _require_empty(value)
    return None


def _integer(value: t.Any) -> int | None:
    if type(value) is int:
        number = value
    elif isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        number = int(text) if "." not in text else _exact_integer(float(text))
    elif isinstance(value, (float, bool)):
        number = _exact_integer(float(value))
    else:
        _require_empty(value)
        return None
    if number not in INT64:
        raise OverflowError
    return number


def _exact_integer(value: float) -> int:
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
        _require_empty(value)
        return None
    if isinstance(value, bool) or value - value != 0 or abs(value) > MAX_NUMBER:  # NaN and infinity too
        raise ValueError
    return t.cast("float", value)


def _boolean(value: t.Any) -> bool | None:
    if isinstance(value, (str, int, float)):
        text = str(value).strip().lower()
        return _BOOLEANS[text] if text else None
    _require_empty(value)
    return None


def _require_empty(value: t.Any) -> None:
    """Raise a TypeError unless the value stands for 'empty', as ``[]`` does."""
    if value not in _EMPTY:
        raise TypeError


_KINDS = frozenset({"array", "boolean", "integer", "number", "object", "string"})
_SCALARS: t.Mapping[str, tuple[set[type], float, Convert]] = {
    "string": ({str}, NO_LIMIT, _string),
    "link": (set(), NO_LIMIT, _link),
    "timestamp": (set(), NO_LIMIT, _timestamp),
    "integer": ({int}, INT64[-1], _integer),
    "number": ({int, float}, MAX_NUMBER, _number),
    "boolean": ({bool}, NO_LIMIT, _boolean),
}
