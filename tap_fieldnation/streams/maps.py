"""The SDK's stream maps and flattening, for the selected streams; errors are one sentence that names the map."""

from __future__ import annotations

import ast
import copy
import functools
import importlib.util
import re
import typing as t
from fnmatch import fnmatch

from singer_sdk.exceptions import ConfigurationError, MapExpressionError, MappingError
from singer_sdk.helpers._catalog import get_selected_schema
from singer_sdk.mapper import (
    MAPPER_ALIAS_OPTION,
    MAPPER_ELSE_OPTION,
    MAPPER_FILTER_OPTION,
    MAPPER_KEY_PROPERTIES_OPTION,
    MAPPER_SOURCE_OPTION,
    NULL_STRING,
    CustomStreamMap,
    PluginMapper,
    RemoveRecordTransform,
    SameRecordTransform,
)
from typing_extensions import override

from tap_fieldnation.api.errors import SettingsError
from tap_fieldnation.hints import did_you_mean

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Iterator, Mapping, Sequence

    from singer_sdk.helpers.types import Record
    from singer_sdk.mapper import StreamMap
    from singer_sdk.singerlib import Catalog, CatalogEntry
    from singer_sdk.streams import Stream

STREAM_MAPS, MAP_CONFIG = "stream_maps", "stream_map_config"
# The salt of examples/personal_data.json, which is public.
PUBLISHED_SALT = "a long text of your own, kept as a secret"

OPTIONS = (
    MAPPER_ALIAS_OPTION,
    MAPPER_ELSE_OPTION,
    MAPPER_FILTER_OPTION,
    MAPPER_KEY_PROPERTIES_OPTION,
    MAPPER_SOURCE_OPTION,
)

_WORD = re.compile(r"\w+")
_CONFIG_KEY = re.compile(r"\bconfig\[\s*['\"](.+?)['\"]\s*\]")
Definition = t.Any  # of a map: an object, or null instead of one
Maps = t.Mapping[str, Definition]


class Mapper(PluginMapper):
    """The SDK's mapper, in which a map for a stream or a column that is not selected has no effect.

    Args:
        config: The settings.
        streams: All streams by name.
        logger: The tap's.
    """

    def __init__(self, config: Mapping[str, t.Any], streams: Mapping[str, Stream], logger: logging.Logger) -> None:
        given = {name: value for name, value in config.items() if value is not None}
        super().__init__(plugin_config=copy.deepcopy(given), logger=logger)
        self._streams = streams
        self._max_key_length = given.get("flattening_max_key_length")
        self._sources: dict[str, set[str]] = {}  # the streams whose records are written under a name

    @override
    def register_raw_streams_from_catalog(self, catalog: Catalog) -> None:
        """Set up the maps of all streams of a catalog.

        Raises:
            SettingsError: A map, or flattening, cannot be used for a stream.
            MappingError: A map cannot be used; the SDK's message says why.
        """
        given, unmapped = self.stream_maps_dict, self.default_mapper_type
        for entry in catalog.streams:
            if stream := self._streams.get(entry.tap_stream_id):
                columns, mask = entry.schema.to_dict(), entry.metadata.resolve_selection()
                if not all(mask.values()):  # it copies the schema, which takes longer than everything else here
                    columns = get_selected_schema(stream.name, columns, mask)
                maps = _applicable(given, stream, columns.get("properties", {})) if stream.selected else {}
                self.stream_maps_dict = maps
                self.default_mapper_type = unmapped if stream.selected else SameRecordTransform
                self._register(entry, stream, columns)
        self.stream_maps_dict, self.default_mapper_type = dict(given), unmapped
        for alias, sources in self._sources.items():
            if len(sources) > 1:
                text = "Setting %s writes several streams as %s, into one table: %s."
                self.logger.warning(text, STREAM_MAPS, alias, ", ".join(sorted(sources)))

    def _register(self, entry: CatalogEntry, stream: Stream, columns: dict[str, t.Any]) -> None:
        problem = ""
        try:
            self.register_raw_stream_schema(stream.name, columns, entry.key_properties)
        except MapExpressionError:  # other expressions have been checked
            problem = "its alias is not a name"
        except (MappingError, ConfigurationError):
            raise
        except Exception as error:  # noqa: BLE001  (whatever Python's parser and the SDK raise for it)
            problem = type(error).__name__
        if not self.stream_maps_dict and (problem or (stream.selected and self._loses_key(stream.name))):
            raise SettingsError(
                f"Setting flattening_max_key_length cannot be used: it changes names of key columns of {stream.name}, "
                "or makes two columns one: give a larger number."
                if self._max_key_length
                else f"Setting flattening_separator cannot be used: it makes two columns of {stream.name} one: give "
                "another separator, such as __."
            )
        if stream.selected and not problem:
            problem = self._checked(stream.name)
        if problem:
            raise SettingsError(f"Setting {STREAM_MAPS} cannot be used for {stream.name} ({problem}): change it.")
        for map_ in self.stream_maps[stream.name]:
            map_.transformed_schema = _with_keys_first(map_)

    def _loses_key(self, name: str) -> bool:
        return any(_lost_key(map_) for map_ in self.stream_maps[name])

    def _checked(self, name: str) -> str:
        """What is wrong with the maps of a stream, or "". Also makes evaluation errors one sentence."""
        for map_ in self.stream_maps[name]:
            alias: object = map_.stream_alias
            if not isinstance(alias, str) or not alias:
                return "its alias is not a name"
            if key := _lost_key(map_):
                return f"it has no column {key}, which is a key"
            if isinstance(map_, CustomStreamMap):
                map_._eval = functools.partial(_evaluate, map_, map_._eval)  # type: ignore[method-assign]  # noqa: SLF001
            if not isinstance(map_, RemoveRecordTransform):
                self._sources.setdefault(alias, set()).add(name)
        return ""


def _with_keys_first(map_: StreamMap) -> dict[str, t.Any]:
    """The schema that a map makes, with the key columns first, in the order of the key.

    Targets create the primary key in the order of the columns. A lookup by the first key column then uses its index,
    even if a catalog, a map or flattening has another order.
    """
    columns = map_.transformed_schema.get("properties", {})
    keys = {key: columns[key] for key in map_.transformed_key_properties or () if key in columns}
    return {**map_.transformed_schema, "properties": {**keys, **columns}}


def _lost_key(map_: StreamMap) -> str | None:
    """A key that is missing from the columns that a map produces."""
    columns = map_.transformed_schema.get("properties", {})
    keys = () if isinstance(map_, RemoveRecordTransform) else map_.transformed_key_properties or ()
    return next((key for key in keys if key not in columns), None)


def _evaluate(
    map_: CustomStreamMap,
    evaluate: t.Callable[..., t.Any],
    expr: str,
    expr_parsed: t.Any,
    record: Record,
    property_name: str | None,
) -> t.Any:
    """Evaluate an expression.

    Raises:
        SettingsError: It fails. The sentence contains no value of the record.
    """
    try:
        return evaluate(expr, expr_parsed, record, property_name)
    except Exception as error:  # noqa: BLE001  (an expression can raise anything)
        cause = error.__cause__ if isinstance(error, MappingError) and error.__cause__ else error
    missing = next((key for key in _CONFIG_KEY.findall(expr) if key not in map_.map_config), None)
    if type(cause).__name__ == "NameNotDefined":  # of simpleeval, which is the SDK's own
        problem = f"names {getattr(cause, 'name', 'something')}, which is not one of the selected columns"
    elif isinstance(cause, KeyError) and missing:
        problem = f"needs {missing} in {MAP_CONFIG}"
    else:
        problem = f"fails on a record ({type(cause).__name__}): correct it, for example for values that are null"
    place = f"{STREAM_MAPS}.{map_.stream_name}.{property_name or '__filter__'}"
    raise SettingsError(f"Setting {STREAM_MAPS} cannot be used: the expression {place} {problem}.")


def words_in(maps: Maps | None, stream: str) -> set[str]:
    """The words in the expressions of the maps for a stream, among them the names of all values that they need."""
    definitions = (definition for key, definition in (maps or {}).items() if fnmatch(stream, _source(key, definition)))
    expressions = (value for one in definitions if isinstance(one, dict) for value in one.values())
    return {word for text in expressions if isinstance(text, str) for word in _WORD.findall(text)}


def passes(map_: StreamMap, record: Record) -> bool:
    """Whether a record of a parent stream, and with it its child records, passes the filter of its map.

    A map that omits the whole parent stream is not a filter: like deselecting it, it does not affect the child streams.
    """
    return isinstance(map_, RemoveRecordTransform) or map_.get_filter_result(record)


def _source(key: str, definition: Definition) -> str:
    """The name or the pattern of the streams that a map is for."""
    return str(definition.get(MAPPER_SOURCE_OPTION, key)) if isinstance(definition, dict) else key


def _applicable(maps: Maps, stream: Stream, selected: t.Collection[str]) -> dict[str, Definition]:
    """The maps for a stream, without unselected columns, and with the key columns that `__else__` would drop."""
    found = {key: definition for key, definition in maps.items() if fnmatch(stream.name, _source(key, definition))}
    deselected = stream.schema["properties"].keys() - set(selected)
    for key, definition in found.items():
        if isinstance(definition, dict):
            found[key] = kept = {name: value for name, value in definition.items() if name not in deselected}
            if MAPPER_KEY_PROPERTIES_OPTION in kept:
                kept[MAPPER_KEY_PROPERTIES_OPTION] = kept[MAPPER_KEY_PROPERTIES_OPTION] or []
            if MAPPER_ELSE_OPTION in kept:
                keys = kept.get(MAPPER_KEY_PROPERTIES_OPTION, stream.primary_keys) or ()
                kept.update({name: name for name in keys if name in selected and name not in kept})
            _check_definition(key, kept)
    return found


def _check_definition(key: str, definition: Mapping[str, t.Any]) -> None:
    """Reject options and expressions that the SDK would misinterpret, or notice only at the first record.

    Raises:
        SettingsError: One sentence that names the place, without the value.
    """
    for name, value in definition.items():
        if name.startswith("__") and name not in OPTIONS:
            advice = did_you_mean(name, OPTIONS, "see the SDK's documentation of stream maps")
            raise SettingsError(
                f"Setting {STREAM_MAPS} cannot be used: {STREAM_MAPS}.{key}.{name} is not an option: {advice}"
            )
        is_expression = name == MAPPER_FILTER_OPTION or not name.startswith("__")
        if is_expression and isinstance(value, str) and value != NULL_STRING and not _is_expression(value):
            raise SettingsError(
                f"Setting {STREAM_MAPS} cannot be used: {STREAM_MAPS}.{key}.{name} is not an expression of Python: "
                "correct it."
            )


def _is_expression(text: str) -> bool:
    try:
        nodes = ast.walk(ast.parse(text, mode="eval"))
        texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        "".join(texts).encode()
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


def remarks(config: Mapping[str, t.Any], streams: Mapping[str, Stream]) -> Iterator[str]:
    """A sentence for each map, or part of one, that has no effect or an unexpected one."""
    maps = {key: value for key, value in (config.get(STREAM_MAPS) or {}).items() if key != MAPPER_ELSE_OPTION}
    for key, definition in maps.items():
        source = _source(key, definition)
        matched = [stream for stream in streams.values() if fnmatch(stream.name, source)]
        if not matched:
            advice = did_you_mean(source, streams, "--discover lists the streams")
            yield f"Setting {STREAM_MAPS} has no effect for {source}, which is not a stream: {advice}"
        elif isinstance(definition, dict):
            yield from _unmatched_columns(key, definition, matched)
    for stream in streams.values():
        if stream.selected:
            yield from _overridden(maps, stream)
        elif stream.has_selected_descendents and any(
            MAPPER_FILTER_OPTION in (definition or ()) and fnmatch(stream.name, _source(key, definition))
            for key, definition in maps.items()
        ):
            yield (
                f"Setting {STREAM_MAPS} has a filter on {stream.name}, which is not selected: the filter has no effect "
                f"on the streams within it; select {stream.name} too."
            )
    if config.get("faker_config") and not importlib.util.find_spec("faker"):
        yield "Setting faker_config has no effect: install the package faker beside the tap, or remove it."
    for name, value in (config.get(MAP_CONFIG) or {}).items():
        if value == PUBLISHED_SALT or (value == "" and "salt" in name.lower()):
            yield (
                f"Setting {MAP_CONFIG}.{name} is empty or the one of the published example, so that everybody can "
                "undo hashes with it: set a long text of your own, and keep it as a secret."
            )


def _overridden(maps: Maps, stream: Stream) -> Iterator[str]:
    """A sentence if a map for a stream replaces an earlier one, for example a name and a pattern that matches it."""
    keys = [
        key
        for key, definition in maps.items()
        if fnmatch(stream.name, _source(key, definition)) and MAPPER_SOURCE_OPTION not in (definition or ())
    ]
    if len(keys) > 1:
        yield (
            f"Setting {STREAM_MAPS} has several maps for {stream.name} ({', '.join(keys)}), of which only the last one "
            "has an effect: put all into one."
        )


def _unmatched_columns(key: str, definition: Mapping[str, t.Any], matched: Sequence[Stream]) -> Iterator[str]:
    schemas = [schema for stream in matched for schema in (stream.schema, stream.effective_schema)]
    columns = {name for schema in schemas for name in schema.get("properties", {})}
    for name, value in definition.items():
        if (value is None or value == NULL_STRING) and not name.startswith("__") and name not in columns:
            advice = did_you_mean(name, columns, "--discover lists the columns")
            yield f"Setting {STREAM_MAPS} removes {name} from {key}, which has no such column: {advice}"
