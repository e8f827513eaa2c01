"""The structure of input files: msgspec finds an error exactly if the JSON Schema does."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR

from tap_fieldnation.commands.file_shapes import SHAPES, find_difference

FILES: dict[str, dict[str, Any]] = {
    "config": {"client_id": "x"},
    "state": {"bookmarks": {"tags": {"partitions": [{}], "progress_markers": {"x": 1}}}},
    "catalog": {
        "streams": [
            {
                "tap_stream_id": "tags",
                "schema": {
                    "type": "object",
                    "properties": {
                        "id": {"type": ["integer", "null"]},
                        "names": {
                            "type": "array",
                            "items": {"type": "string", "anyOf": [{}], "allOf": [], "oneOf": []},
                        },
                    },
                },
                "key_properties": ["id"],
                "replication_key": None,
                "replication_method": "FULL_TABLE",
                "metadata": [
                    {
                        "breadcrumb": ["properties", "id"],
                        "metadata": {
                            "selected": True,
                            "selected-by-default": None,
                            "inclusion": "automatic",
                            "table-key-properties": ["id"],
                            "forced-replication-method": "FULL_TABLE",
                            "replication-key": None,
                        },
                    }
                ],
            }
        ]
    },
}
VALUES = [None, True, 5, "canary4711", [], {}, [5], [None], ["x"], {"x": 5}]


def containers(content: Any) -> list[Any]:
    """All objects and arrays within a value, itself included."""
    inner = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return [content] * isinstance(content, dict | list) + [each for value in inner for each in containers(value)]


@given(st.data(), st.sampled_from(sorted(FILES)))
def test_both_ways_agree(data: st.DataObject, kind: str) -> None:
    content: Any = [copy.deepcopy(FILES[kind])]
    for _ in range(data.draw(st.integers(0, 2))):
        place = data.draw(st.sampled_from([each for each in containers(content) if each]))
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if place is not content and data.draw(st.booleans()):
            del place[key]
        else:
            place[key] = copy.deepcopy(data.draw(st.sampled_from(VALUES)))
    validator = DEFAULT_JSONSCHEMA_VALIDATOR(msgspec.json.schema(SHAPES[kind]))
    difference = find_difference(kind, content[0])
    assert (difference is None) == validator.is_valid(content[0])
    assert "canary4711" not in str(difference)


@pytest.mark.parametrize("kind", FILES)
def test_what_is_right_has_no_difference(kind: str) -> None:
    assert find_difference(kind, FILES[kind]) is None


@pytest.mark.parametrize(
    ("property_schema", "words"),
    [
        ({"type": ["string", 5]}, "streams.0.schema.properties.id.type.1 must be of type string"),
        ({"items": {"items": []}}, "streams.0.schema.properties.id.items.items must be of type object"),
    ],
)
def test_the_place_within_a_property(property_schema: object, words: str) -> None:
    stream = {"tap_stream_id": "tags", "schema": {"properties": {"id": property_schema}}}
    assert find_difference("catalog", {"streams": [stream]}) == words
