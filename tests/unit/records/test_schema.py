"""The schema files as streams use them: found in both layouts, references resolved, and public without our keywords."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_fieldnation.records import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
STREAMS = sorted(path.stem for path in (ROOT / "schemas").glob("*.json") if path.stem != "common")


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A place where the package could be installed; nothing remembered of where it really is."""
    package = tmp_path / "site-packages" / "tap_fieldnation"
    package.mkdir(parents=True)
    monkeypatch.setattr(schema, "_PACKAGE", package)
    _forget()
    yield package
    _forget()


def _forget() -> None:
    for function in (schema.folder, schema.load, schema._read):
        function.cache_clear()


def put_schemas(folder: Path, **files: Any) -> Path:
    folder.mkdir()
    for name, content in {"common": {"definitions": {}}, **files}.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def inner(node: Any) -> Iterator[dict[str, Any]]:
    """Every object within a schema."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from inner(value)
    elif isinstance(node, list):
        for value in node:
            yield from inner(value)


def test_schemas_of_a_checkout_lie_beside_the_package() -> None:
    assert schema.folder() == ROOT / "schemas"


def test_schemas_of_a_wheel_lie_in_the_package(fresh: Path) -> None:
    inside = put_schemas(fresh / "schemas")
    put_schemas(fresh.parent / "schemas")
    assert schema.folder() == inside


def test_schemas_of_an_editable_install_lie_beside_the_package(fresh: Path) -> None:
    (fresh / "schemas").mkdir()  # a folder of that name that has no schemas in it is not the one
    beside = put_schemas(fresh.parent / "schemas")
    assert schema.folder() == beside


def test_where_there_are_none_an_error_says_so(fresh: Path) -> None:
    assert fresh.is_dir()
    with pytest.raises(FileNotFoundError, match="install tap-fieldnation again"):
        schema.folder()


def test_references_are_replaced_by_what_they_refer_to_and_what_stands_beside_wins(fresh: Path) -> None:
    shapes = {
        "leaf": {"type": ["string", "null"], "description": "shared"},
        "outer": {"type": ["object", "null"], "properties": {"a": {"$ref": "#/definitions/leaf"}}},
    }
    file = {
        "type": "object",
        "properties": {
            "x": {"$ref": "common.json#/definitions/outer", "description": "own"},
            "y": {"type": ["array", "null"], "items": {"$ref": "common.json#/definitions/leaf"}},
        },
    }
    put_schemas(fresh / "schemas", common={"definitions": shapes}, things=file)
    leaf = {"type": ["string", "null"], "description": "shared"}
    assert schema.load("things") == {
        "type": "object",
        "properties": {
            "x": {"type": ["object", "null"], "properties": {"a": leaf}, "description": "own"},
            "y": {"type": ["array", "null"], "items": leaf},
        },
    }


@pytest.mark.parametrize("stream", STREAMS)
def test_no_reference_is_left(stream: str) -> None:
    assert not [node for node in inner(schema.load(stream)) if "$ref" in node]


@pytest.mark.parametrize("stream", STREAMS)
def test_what_targets_see_has_no_keyword_of_our_own_and_is_otherwise_the_same(stream: str) -> None:
    loaded = schema.load(stream)
    public = schema.public(loaded)
    assert not [key for node in inner(public) for key in node if key.startswith("x-")]
    kept = [{key: None for key in node if not key.startswith("x-")} for node in inner(loaded)]
    assert [dict.fromkeys(node) for node in inner(public)] == kept
    text = json.dumps(public)
    for keyword in ("$ref", "anyOf", "oneOf", "allOf", "definitions"):
        assert f'"{keyword}"' not in text


def test_a_public_schema_is_a_copy() -> None:
    loaded = schema.load("work_orders")
    public = schema.public(loaded)
    public["properties"]["id"]["description"] = "changed"
    assert loaded["properties"]["id"]["description"] != "changed"


def test_a_schema_is_read_once() -> None:
    assert schema.load("work_orders") is schema.load("work_orders")
