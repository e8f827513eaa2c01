"""The schema files keep the rules that warehouses and the rest of the tap rely on."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from tap_fieldnation.records import lifted, schema
from tap_fieldnation.records.conformer import IGNORED_EVERYWHERE
from tap_fieldnation.streams import catalog
from tools import docs

if t.TYPE_CHECKING:
    from collections.abc import Iterator

JsonSchema = dict[str, t.Any]

FOLDER = Path(__file__).resolve().parents[2] / "schemas"

TEXT_OF_DIGITS = {"cell", "ext", "location_zip", "phone", "phone_ext", "postalCode", "zip"}
ADDED_TIMESTAMPS = {"detected_at", "extracted_at"}
TYPES = {"array", "boolean", "integer", "number", "object", "string"}
KEYWORDS = {
    "$ref",
    "description",
    "format",
    "items",
    "properties",
    "type",
    "x-aliases",
    "x-default",
    "x-ignored-keys",
    "x-placeholder-id",
    "x-source",
    "x-strip-query",
    "x-volatile",
}


def read(name: str) -> JsonSchema:
    return t.cast("JsonSchema", json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


COMMON: JsonSchema = read("common")["definitions"]
FILES: dict[str, JsonSchema] = {path.stem: read(path.stem) for path in FOLDER.glob("*.json") if path.stem != "common"}

KEYS = {name: stream.primary_keys for name, stream in docs.streams().items()}

each_stream = pytest.mark.parametrize("stream", sorted(FILES))


def resolved(node: JsonSchema) -> JsonSchema:
    """A node with `$ref` resolved; keywords next to it win."""
    if "$ref" in node:
        file, _, name = node["$ref"].partition("#/definitions/")
        assert file == "common.json", node
        node = {**COMMON[name], **{key: value for key, value in node.items() if key != "$ref"}}
        return resolved(node)
    node = dict(node)
    if "properties" in node:
        node["properties"] = {name: resolved(child) for name, child in node["properties"].items()}
    if "items" in node:
        node["items"] = resolved(node["items"])
    return node


def below(node: JsonSchema, path: str) -> Iterator[tuple[str, JsonSchema]]:
    """Every property and every item of a node, with its path."""
    for name, child in node.get("properties", {}).items():
        yield f"{path}.{name}", child
        yield from below(child, f"{path}.{name}")
    if "items" in node:
        yield f"{path}[]", node["items"]
        yield from below(node["items"], f"{path}[]")


def all_unresolved() -> Iterator[tuple[str, JsonSchema]]:
    """All nodes of all files with references unresolved, including the roots and the shared definitions."""
    for name, node in {**FILES, **COMMON}.items():
        yield name, node
        yield from below(node, name)


def all_resolved() -> Iterator[tuple[str, JsonSchema]]:
    for stream, node in FILES.items():
        yield from below(resolved(node), stream)


def types(kind: str | list[str]) -> list[str]:
    return [kind] if isinstance(kind, str) else kind


def test_each_stream_has_its_file() -> None:
    assert sorted(FILES) == sorted(KEYS)


@each_stream
def test_is_valid_draft_7(stream: str) -> None:
    Draft7Validator.check_schema(resolved(FILES[stream]))


@each_stream
def test_the_description_says_what_a_row_is(stream: str) -> None:
    node = FILES[stream]
    assert node["type"] == "object"
    assert node["title"].lower() == stream.replace("_", " ")
    assert node["description"].startswith("One ")
    assert node["description"].endswith(".")
    assert set(node) <= {"title", "description", "type", "x-ignored-keys", "properties"}


def test_every_shared_definition_is_used() -> None:
    used = {node["$ref"].rpartition("/")[2] for _, node in all_unresolved() if "$ref" in node}
    assert used == set(COMMON)


def test_only_these_keywords_are_used() -> None:
    for path, node in all_unresolved():
        allowed = KEYWORDS | {"title"} if path in FILES else KEYWORDS
        assert set(node) <= allowed, path
        if "$ref" in node:
            assert set(node) <= {"$ref", "description", "x-volatile"}, path


def test_every_property_is_described() -> None:
    for path, node in all_resolved():
        if path.endswith("[]"):
            continue
        text = node["description"]
        assert text[:1].isupper(), path
        assert text.endswith("."), path
        assert len(text) <= 140, path


def test_each_column_has_one_type_and_may_be_null_unless_it_is_a_key() -> None:
    for path, node in all_resolved():
        kinds = types(node["type"])
        assert kinds[0] in TYPES, path
        stream, _, name = path.partition(".")
        if name in {*KEYS[stream], *ADDED_TIMESTAMPS} or path == "work_order_coverage.read_at":
            assert node["type"] in {"integer", "string"}, path
        else:
            assert kinds[1:] == ["null"], path


def test_arrays_have_items_and_objects_have_properties() -> None:
    for path, node in all_resolved():
        kind = types(node["type"])[0]
        assert ("items" in node) == (kind == "array"), path
        assert bool(node.get("properties")) == (kind == "object"), path


def test_only_timestamps_in_utc_and_days_have_a_format() -> None:
    for path, node in all_resolved():
        name = path.rpartition(".")[2]
        is_timestamp = name == "utc" or (name.endswith("_at") and types(node["type"])[0] == "string")
        is_day = name in {"first_day", "last_day"}
        assert node.get("format") == ("date-time" if is_timestamp else "date" if is_day else None), path
        if is_timestamp:
            assert "UTC" in node["description"], path


def test_dates_have_one_form() -> None:
    for path, node in all_resolved():
        names = set(node.get("properties", ()))
        if "utc" in names:
            assert names >= {"utc", "local"} or names == {"utc", "date", "time"}, path
        if "local" in names:
            assert set(node["properties"]["local"]["properties"]) == {"date", "time"}, path


@each_stream
def test_columns_fit_any_warehouse(stream: str) -> None:
    columns = list(FILES[stream]["properties"])
    assert not [name for name in columns if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name)]
    assert len({name.lower() for name in columns}) == len(columns)


@each_stream
def test_keys_are_columns_and_not_null(stream: str) -> None:
    columns = FILES[stream]["properties"]
    assert all(columns[key]["type"] in {"integer", "string"} for key in KEYS[stream])
    assert columns["extracted_at"]["type"] == "string"


@each_stream
def test_the_keys_are_the_first_columns_in_their_order(stream: str) -> None:
    """Targets create the primary key in the order of the columns."""
    assert tuple(FILES[stream]["properties"])[: len(KEYS[stream])] == tuple(KEYS[stream])


def test_no_postal_code_or_phone_number_is_a_number() -> None:
    for path, node in all_resolved():
        if path.rpartition(".")[2] in TEXT_OF_DIGITS:
            assert types(node["type"])[0] == "string", path


def test_money_has_cents() -> None:
    for path, node in all_resolved():
        if "US dollars" in node.get("description", "") and types(node["type"])[0] not in {"array", "object"}:
            assert types(node["type"])[0] == "number", path


def node_at(node: JsonSchema, path: tuple[str, ...]) -> JsonSchema:
    for name in path:
        node = node["properties"][name]
    return node


LIFTED = [
    (stream, column, ".".join([*keys, leaf]))
    for stream, paths in lifted.PATHS.items()
    for column, path in paths.items()
    for *keys, leaves in [path.split(".")]
    for leaf in leaves.split("|")
]


@pytest.mark.parametrize(("stream", "column", "path"), LIFTED)
def test_a_lifted_column_has_the_type_of_its_source(stream: str, column: str, path: str) -> None:
    """It is lifted from the conformed record, so its source must not be a list that is a stream of its own."""
    node = schema.without(schema.load(stream), catalog.embedded_paths() if stream == "work_orders" else ())
    source, target = node_at(node, tuple(path.split("."))), node_at(node, (column,))
    assert types(target["type"])[0] == types(source["type"])[0]
    assert target.get("format") == source.get("format")


@pytest.mark.parametrize("stream", sorted(lifted.LATEST))
def test_the_latest_moment_is_a_timestamp_of_columns(stream: str) -> None:
    columns = schema.load(stream)["properties"]
    for column, others in lifted.LATEST[stream].items():
        assert others
        assert {columns[name]["format"] for name in (column, *others)} == {"date-time"}


@pytest.mark.parametrize("stream", sorted(lifted.PRIMARY))
def test_an_object_that_a_list_replaces_has_the_form_of_its_items(stream: str) -> None:
    columns = schema.load(stream)["properties"]
    for section, items in lifted.PRIMARY[stream].items():
        keys = {path.split(".")[1] for path in lifted.PATHS[stream].values() if path.startswith(f"{section}.")}
        assert {*keys, "id", "isPrimary"} <= columns[items]["items"]["properties"].keys()


# Date objects of rows that other rows show as columns, and why they are not lifted.
NOT_LIFTED = {
    "work_order_tasks.attachment.created": "work_order_attachments has them",
    "work_order_tasks.attachment.reviewed": "work_order_attachments has them",
}


def dates(node: JsonSchema, path: str = "", depth: int = 2) -> Iterator[str]:
    """The paths of date objects, at most so many levels deep."""
    for name, child in node.get("properties", {}).items():
        if "utc" in child.get("properties", {}):
            yield f"{path}{name}"
        elif depth > 1:
            yield from dates(child, f"{path}{name}.", depth - 1)


@pytest.mark.parametrize("stream", sorted(FILES.keys() - {"work_orders"}))
def test_every_date_object_of_a_row_is_a_column_too(stream: str) -> None:
    lifted_paths = lifted.PATHS.get(stream, {}).values()
    missing = {f"{stream}.{path}" for path in dates(resolved(FILES[stream])) if f"{path}.utc" not in lifted_paths}
    assert missing == {name for name in NOT_LIFTED if name.startswith(f"{stream}.")}


def test_ignored_keys_are_no_properties() -> None:
    for path, node in all_resolved():
        ignored = set(node.get("x-ignored-keys", ()))
        names = {child.get("x-source", name) for name, child in node.get("properties", {}).items()}
        assert ignored.isdisjoint(names), path
        aliases = [alias for child in node.get("properties", {}).values() for alias in child.get("x-aliases", ())]
        assert len(aliases) == len(set(aliases)), path
        assert (ignored | names).isdisjoint(aliases), path
        assert IGNORED_EVERYWHERE.isdisjoint(ignored | names), path


def test_placeholders_have_a_numeric_id() -> None:
    for path, node in all_unresolved():
        if "x-placeholder-id" in node:
            assert node["x-placeholder-id"] == 0, path
            assert node["properties"]["id"]["type"] == ["integer", "null"], path
            assert path not in FILES, path


def test_only_links_are_stripped_of_their_query() -> None:
    for path, node in all_unresolved():
        if "x-strip-query" in node:
            assert node["x-strip-query"] is True, path
            assert node["type"] == ["string", "null"], path
            assert "Link to" in node["description"], path


def test_only_a_key_column_has_a_default() -> None:
    for path, node in all_unresolved():
        if "x-default" in node:
            stream, _, name = path.partition(".")
            assert name in KEYS[stream], path
            assert node["type"] == "string", path


def test_only_columns_are_renamed() -> None:
    for path, node in all_unresolved():
        if "x-source" in node:
            assert path.count(".") == 1, path
            assert path.partition(".")[0] in FILES, path
