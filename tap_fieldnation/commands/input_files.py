"""The files that the command line names: read, and checked for what the SDK takes for granted."""

from __future__ import annotations

import json
import re
import sys
import typing as t
from pathlib import Path

from singer_sdk.helpers._util import load_json
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR

from tap_fieldnation.api.errors import TapError

STDIN = "-"

# Half of the pair that JSON escapes a rare character as, or a byte of stdin that is not UTF-8.
_HALF = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
_TEXT_OR_NULL = {"type": ["string", "null"]}
# The shape that the SDK takes for granted, by the option that names the file.
SHAPES: t.Mapping[str, dict[str, t.Any]] = {
    "config": {"type": "object"},
    "state": {
        "type": "object",
        "properties": {
            "bookmarks": {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "properties": {
                        "partitions": {"type": "array", "items": {"type": "object"}},
                        "progress_markers": {"type": "object"},
                    },
                },
            }
        },
    },
    "catalog": {
        "type": "object",
        "required": ["streams"],
        "properties": {
            "streams": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["tap_stream_id", "schema"],
                    "properties": {
                        "tap_stream_id": {"type": "string"},
                        "replication_key": _TEXT_OR_NULL,
                        "replication_method": _TEXT_OR_NULL,
                        "key_properties": {"type": ["array", "null"], "items": {"type": "string"}},
                        "schema": {"required": ["properties"], "allOf": [{"$ref": "#/definitions/schema"}]},
                        "metadata": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["breadcrumb", "metadata"],
                                "properties": {
                                    "breadcrumb": {"type": "array", "items": {"type": "string"}},
                                    "metadata": {
                                        "type": "object",
                                        "properties": {
                                            "forced-replication-method": _TEXT_OR_NULL,
                                            "replication-key": _TEXT_OR_NULL,
                                            "table-key-properties": {
                                                "type": ["array", "null"],
                                                "items": {"type": "string"},
                                            },
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            }
        },
        "definitions": {
            "schema": {
                "type": "object",
                "properties": {
                    "type": {"type": ["array", "string"], "items": {"type": "string"}},
                    "properties": {"type": "object", "additionalProperties": {"$ref": "#/definitions/schema"}},
                    "items": {"$ref": "#/definitions/schema"},
                    **{name: {"type": "array", "items": {"type": "object"}} for name in ("allOf", "anyOf", "oneOf")},
                },
            }
        },
    },
}


class FileError(TapError):
    """A file that the command line names cannot be used."""


def read_checked(kind: str, name: str) -> str:
    """The text of a file.

    Args:
        kind: The option that names it.
        name: Its path, or `-` for stdin.

    Raises:
        FileError: One sentence: which file, and what is wrong with it.
    """
    place = f"The {kind} file {name}"
    problem = ""
    try:
        text = sys.stdin.read() if name == STDIN else Path(name).read_text(encoding="utf-8")
        content = load_json(text)
        if _HALF.search(text):
            json.dumps(content, ensure_ascii=False, default=str).encode()
        errors = DEFAULT_JSONSCHEMA_VALIDATOR(SHAPES[kind]).iter_errors(content)
        if error := next(errors, None):
            where = ".".join(map(str, error.absolute_path))
            problem = f"is not a {kind}: {where or 'the top level'} {_expected(error)}"
    except FileNotFoundError:
        problem = "does not exist"
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    except UnicodeDecodeError:
        problem = "is not UTF-8 text"
    except UnicodeEncodeError:
        problem = "contains half a character (a lone surrogate)"
    except ValueError as error:
        line, column = getattr(error, "lineno", None), getattr(error, "colno", None)
        problem = "is not JSON" + (f" (line {line}, column {column})" if line else "")
    except RecursionError:
        problem = "is nested too deeply"
    if problem:
        raise FileError(f"{place} {problem}: {_REMEDIES[kind]}.")
    return text


def _expected(error: t.Any) -> str:
    """What a JSON Schema expects; never the value that is there instead."""
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"lacks {missing[0]}"
    kinds = error.validator_value
    return f"must be of type {kinds if isinstance(kinds, str) else ' or '.join(kinds)}"


_REMEDIES: t.Mapping[str, str] = {
    "config": "give a JSON object with the settings",
    "catalog": "make a catalog with --discover",
    "state": "give the value of the last STATE message of a run, or no state to read everything again",
}
