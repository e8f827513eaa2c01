"""The schema files as streams use them: found in both layouts, references resolved, and pruned for targets."""

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
    """A folder in which the package could be installed; the caches are empty."""
    package = tmp_path / "site-packages" / "tap_fieldnation"
    package.mkdir(parents=True)
    monkeypatch.setattr(schema, "_PACKAGE", package)
    _clear_caches()
    yield package
    _clear_caches()


def _clear_caches() -> None:
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


def test_schemas_of_a_checkout_are_next_to_the_package() -> None:
    assert schema.folder() == ROOT / "schemas"


def test_schemas_of_a_wheel_are_in_the_package(fresh: Path) -> None:
    inside = put_schemas(fresh / "schemas")
    put_schemas(fresh.parent / "schemas")
    assert schema.folder() == inside


def test_schemas_of_an_editable_install_are_next_to_the_package(fresh: Path) -> None:
    (fresh / "schemas").mkdir()  # an empty folder of that name does not count
    outside = put_schemas(fresh.parent / "schemas")
    assert schema.folder() == outside


def test_missing_schemas_are_an_error(fresh: Path) -> None:
    assert fresh.is_dir()
    with pytest.raises(FileNotFoundError, match="install tap-fieldnation again"):
        schema.folder()


def test_references_are_resolved_and_keywords_next_to_them_win(fresh: Path) -> None:
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
def test_the_public_schema_is_the_same_without_our_own_keywords(stream: str) -> None:
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


def test_a_schema_file_is_read_once() -> None:
    assert schema.load("work_orders") is schema.load("work_orders")


def nested(**properties: Any) -> dict[str, Any]:
    return {"type": ["object", "null"], "properties": properties}


LEAF = {"type": ["string", "null"]}


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a"], {**nested(b=nested(c=LEAF, d=LEAF), e={**LEAF, "x-source": "E"}), "x-ignored-keys": ["a"]}),
        (
            ["b.c"],
            nested(a=LEAF, b={**nested(d=LEAF), "x-ignored-keys": ["c"]}, e={**LEAF, "x-source": "E"}),
        ),
        (["b.c", "b.d"], {**nested(a=LEAF, e={**LEAF, "x-source": "E"}), "x-ignored-keys": ["b"]}),
        (["b", "E"], {**nested(a=LEAF), "x-ignored-keys": ["b", "E"]}),
        (["f"], {**nested(a=LEAF, b=nested(c=LEAF, d=LEAF), e={**LEAF, "x-source": "E"}), "x-ignored-keys": ["f"]}),
        (["f.g"], {**nested(a=LEAF, b=nested(c=LEAF, d=LEAF), e={**LEAF, "x-source": "E"}), "x-ignored-keys": ["f"]}),
    ],
)
def test_a_schema_without_some_properties_ignores_their_keys(paths: list[str], expected: dict[str, Any]) -> None:
    full = nested(a=LEAF, b=nested(c=LEAF, d=LEAF), e={**LEAF, "x-source": "E"})
    before = json.dumps(full)
    assert schema.without(full, paths) == expected
    assert json.dumps(full) == before
