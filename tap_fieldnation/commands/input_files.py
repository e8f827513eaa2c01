"""Reads and checks the files that the command line names, each only once, because a pipe cannot be read again."""

from __future__ import annotations

import codecs
import json
import os
import re
import stat
import sys
import typing as t
from pathlib import Path

from singer_sdk.helpers._util import load_json

from tap_fieldnation.api.errors import TapError
from tap_fieldnation.commands import state_file
from tap_fieldnation.commands.file_shapes import find_difference

if t.TYPE_CHECKING:
    from collections.abc import MutableMapping

STDIN = "-"
MAX_BYTES = 2**28  # a device such as /dev/zero has no end

# A lone half of a surrogate pair in JSON, or a byte of stdin that is not UTF-8.
_HALF = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


class FileError(TapError):
    """A file that the command line names cannot be used."""


def read_checked(kind: str, name: str, read_before: MutableMapping[t.Any, str]) -> dict[str, t.Any]:
    """The content of a file.

    Args:
        kind: The option that names it.
        name: Its path, or `-` for stdin.
        read_before: Pipes that were already read, with the options that named them; this file is added if it is one.

    Raises:
        FileError: One sentence: which file, and what is wrong with it.
    """
    problem, remedy, content = "", "", None
    try:
        content = _parse(kind, _read(kind, name, read_before))
        if difference := find_difference(kind, content):
            problem = f"is not a {kind}: {difference}"
    except _UnusableError as error:
        problem, remedy = str(error), error.remedy
    except FileNotFoundError:
        problem = "does not exist"
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    except UnicodeDecodeError:
        problem = "is not UTF-8 text"
    except UnicodeEncodeError:
        problem = "contains a lone surrogate, which is only half a character"
    except ValueError as error:
        line, column = getattr(error, "lineno", None), getattr(error, "colno", None)
        problem = "is not JSON" + (f" (line {line}, column {column})" if line else "")
    except RecursionError:
        problem = "is nested too deeply"
    if problem:
        raise FileError(f"The {kind} file {name} {problem}: {remedy or _REMEDIES[kind]}.")
    return t.cast("dict[str, t.Any]", content)


class _UnusableError(Exception):
    """What is wrong with a file, as the middle of a sentence, and what to do, if that differs from the usual advice."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.remedy = remedy


def _read(kind: str, name: str, read_before: MutableMapping[t.Any, str]) -> str:
    """The text of a file.

    Raises:
        _UnusableError: It is too large, or was read before and cannot be read again.
    """
    source = STDIN if name == STDIN else _pipe(name)
    if source is not None:
        if source in read_before:
            raise _UnusableError(
                f"is a pipe that --{read_before[source]} has read already", "give one of the two options a file"
            )
        read_before[source] = kind
    if name == STDIN:
        if sys.stdin is None:
            raise _UnusableError("cannot be read (stdin is closed)")
        if not hasattr(sys.stdin, "buffer"):  # in place of the real one
            return sys.stdin.read()
        raw = sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        with Path(name).open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise _UnusableError(f"is larger than {MAX_BYTES // 2**20} MiB")
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _UnusableError("is not UTF-8 text but UTF-16")
    return raw.decode("utf-8-sig")


def _pipe(name: str) -> t.Any:
    """An identifier of a pipe; None for a file that can be read again."""
    status = Path(name).stat()
    if not (stat.S_ISFIFO(status.st_mode) or stat.S_ISSOCK(status.st_mode)):
        return None
    inode = status.st_dev, status.st_ino
    try:
        stdin = os.fstat(sys.stdin.fileno())
    except (AttributeError, OSError, ValueError):
        return inode
    return STDIN if (stdin.st_dev, stdin.st_ino) == inode else inode


def _parse(kind: str, text: str) -> t.Any:
    """The content of a file.

    Raises:
        _UnusableError: It is empty, an object has a key twice, or it is not a STATE.
        ValueError: It is not JSON.
    """
    if not text.strip():
        raise _UnusableError("is not JSON (it is empty)")
    is_state = kind == "state"
    try:
        content = state_file.load_last(text, _load) if is_state else _load(text)
        if _HALF.search(text):
            json.dumps(content, ensure_ascii=False, default=str).encode()
        return state_file.unwrap(content) if is_state else content
    except state_file.UnknownFormError as error:
        raise _UnusableError(str(error)) from None


def _load(text: str) -> t.Any:
    return load_json(text, object_pairs_hook=_without_duplicates)


def _without_duplicates(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _UnusableError(f"has {twice} twice in one object", "remove one of the two")
    return found


_REMEDIES: t.Mapping[str, str] = {
    "config": "give a JSON object with the settings",
    "catalog": "make a catalog with --discover",
    "state": "give the value of the last STATE message of a run, or no state to read everything again",
}
