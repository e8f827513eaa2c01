"""The command line: every foreseen failure ends in one sentence on stderr and an exit code that is not 0."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import logging
import os
import re
import sys
import typing as t
from pathlib import Path

from singer_sdk.exceptions import ConfigValidationError, MappingError
from singer_sdk.helpers._util import load_json
from singer_sdk.plugin_base import SingerCommand
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR
from typing_extensions import override

from tap_fieldnation.api.errors import SettingsError, TapError
from tap_fieldnation.api.redact import redact

if t.TYPE_CHECKING:
    import click

REPORT = "https://github.com/tap-fieldnation/tap-fieldnation/issues"
ENVIRONMENT = "ENV"  # in place of the name of a config file
STDIN = "-"

# One of the two that JSON writes a rare character as, or a byte of stdin that is no UTF-8.
_HALF = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
_TEXT_OR_NULL = {"type": ["string", "null"]}
# What the SDK takes for granted of each file, by the option that names it.
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


class OutputError(TapError):
    """What the tap writes cannot be written."""


class Command(SingerCommand):
    """The SDK's command, with failures told in a sentence instead of a traceback."""

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        run = self.callback
        assert run  # noqa: S101
        self.callback = functools.partial(_told_by_us, run)
        options = {str(option.name): option for option in self.params}
        config = options["config"]
        assert config.callback  # noqa: S101
        config.callback = functools.partial(_config, config.callback)
        for name in ("catalog", "state"):
            # Plain text, like the name of a config: `click` would open the file in the machine's encoding.
            options[name].type, options[name].callback = config.type, _file

    @override
    def main(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Run the command line."""
        try:
            return super().main(*args, **kwargs)
        except TapError as error:
            self._end(str(error))
        except ConfigValidationError as error:
            self._end(_misconfigured(error))
        except MappingError as error:
            self._end(f"Setting stream_maps cannot be used: {' '.join(str(error).split()).rstrip('.')}.")
        except Exception as error:
            if isinstance(error, OSError) and error.filename is None:
                self._end(_unwritable(error))
            self.logger.exception("Unforeseen")
            self._end(
                f"The tap failed on something it did not foresee ({type(error).__name__}): "
                f"please report it with the lines above at {REPORT}."
            )

    def _end(self, sentence: str) -> t.NoReturn:
        try:
            sys.stdout.flush()
        except OSError:
            _forget_output()
        logging.disable(logging.WARNING)  # it is the last line, whatever threads have to say that are under way
        self.logger.error("%s", redact(sentence))
        sys.exit(1)


def _told_by_us(run: t.Callable[..., t.Any], **options: t.Any) -> t.Any:
    """The command itself. What the SDK finds wrong with a setting of its own is kept from the SDK's `invoke`."""
    try:
        return run(**options)
    except ConfigValidationError as error:
        sentence = _misconfigured(error)
    except BrokenPipeError as error:
        # `click` would end without a word.
        raise OutputError(_unwritable(error)) from None
    raise SettingsError(sentence)


def _unwritable(error: OSError) -> str:
    """What to say of an error of the system that names no file: those of the network `api.transport` has told of."""
    if isinstance(error, BrokenPipeError):
        return "Nobody reads what the tap writes: see in its log why the target ended, and run again (nothing is lost)."
    reason = error.strerror or type(error).__name__
    return f"stdout cannot be written ({reason}): see where it leads to, and run again (nothing is lost)."


def _forget_output() -> None:
    """Let what could not be written go: at its end Python would try again, and exit with a code of its own."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _misconfigured(error: ConfigValidationError) -> str:
    return f"The settings cannot be used: {'; '.join(error.errors) or error}."


def _config(
    read: t.Callable[..., t.Any], context: click.Context, option: click.Parameter, names: tuple[str, ...]
) -> t.Any:
    """The callback of `--config`, once the files are known to be usable."""
    for name in names:
        if name != ENVIRONMENT:
            _checked("config", name)
    return read(context, option, names)


def _file(context: click.Context, option: click.Parameter, name: str | None) -> t.IO[str] | None:  # noqa: ARG001
    """The callback of `--catalog` and `--state`."""
    return None if name is None else io.StringIO(_checked(str(option.name), name))


def _checked(kind: str, name: str) -> str:
    """The text of a file.

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
            problem = f"is not a {kind}: {where or 'the whole of it'} {_expected(error)}"
    except FileNotFoundError:
        problem = "is not there"
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    except UnicodeDecodeError:
        problem = "is not text in UTF-8"
    except UnicodeEncodeError:
        problem = "holds half a character (a lone surrogate)"
    except ValueError as error:
        line, column = getattr(error, "lineno", None), getattr(error, "colno", None)
        problem = "is not JSON" + (f" (line {line}, column {column})" if line else "")
    except RecursionError:
        problem = "is nested too deeply"
    if problem:
        raise FileError(f"{place} {problem}: {_REMEDIES[kind]}.")
    return text


def _expected(error: t.Any) -> str:
    """What a JSON Schema asks for; never what is there instead."""
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
