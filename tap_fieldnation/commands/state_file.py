"""Reads a STATE in the forms in which tools store it.

| form | where it comes from |
|---|---|
| `{"bookmarks": …}` | the value of a STATE message, which targets print |
| `{"type": "STATE", "value": …}`, `{"value": …}` | the message itself |
| `{"singer_state": …}` | `meltano state get` |
| `{"completed": …, "partial": …}` | Meltano's state backends: the partial state is merged into the completed one |
| several lines of these, and of other messages | a target's or a tap's output: the last STATE counts |
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable

State = dict[str, t.Any]

_SYNCING = "currently_syncing"  # beside bookmarks
_MESSAGES = ("ACTIVATE_VERSION", "BATCH", "RECORD", "SCHEMA")
_OF_MELTANO = {"completed", "completed_state", "partial", "partial_state", "state_id"}
# What users pass instead of a STATE by mistake, recognized by a key that it has.
_LOOKS_LIKE = {"client_id": "a config", "streams": "a catalog", "state_id": "a record of Meltano's"}


class UnknownFormError(Exception):
    """The content is not a STATE in any of these forms. The text is the middle of a sentence."""


def load_last(text: str, load: Callable[[str], t.Any]) -> t.Any:
    """The decoded text; if it has several lines, the last one that can be a STATE.

    Args:
        text: The content of a file.
        load: Parses JSON.

    Raises:
        UnknownFormError: There is no STATE among several messages.
        ValueError: It is neither JSON nor lines of JSON.
    """
    try:
        return load(text)
    except ValueError:
        state = _last_state(text.split("\n"), load)
        if state is None:
            raise
        return state


def _last_state(lines: list[str], load: Callable[[str], t.Any]) -> State | None:
    """The last line that is a STATE or a STATE message; None if the lines are not JSON.

    Raises:
        UnknownFormError: There are only messages of other types.
    """
    *whole, last = lines
    whole = [line for line in whole if line.strip()]
    if not whole or not isinstance(_loaded(whole[0], load), dict):
        return None
    if isinstance(_loaded(last, load), dict):  # else the end of what was interrupted
        whole.append(last)
    for line in reversed(whole):
        message = _loaded(line, load)
        if not isinstance(message, dict):
            return None
        if message.get("type") not in _MESSAGES:
            return message
    raise UnknownFormError("is not a state: it contains messages, but no STATE message")


def _loaded(line: str, load: Callable[[str], t.Any]) -> t.Any:
    try:
        return load(line)
    except ValueError:
        return None


def unwrap(content: t.Any) -> t.Any:
    """The STATE from one of its forms; anything but an object is returned unchanged.

    Raises:
        UnknownFormError: It does not have a known form.
    """
    if not isinstance(content, dict) or not content or "bookmarks" in content or content.keys() == {_SYNCING}:
        return content
    if content.get("type") in _MESSAGES:
        raise UnknownFormError(f"is not a state: it looks like a {content['type']} message")
    for key in ("singer_state", "value"):
        if key in content:
            if not isinstance(content[key], dict):
                raise UnknownFormError(f"is not a state: {key} must be of type object")
            return unwrap(content[key])
    if content.keys() <= _OF_MELTANO and content.keys() != {"state_id"}:
        completed = content.get("completed", content.get("completed_state"))
        partial = content.get("partial", content.get("partial_state"))
        return unwrap(_merge(partial or {}, completed or {}))
    looks = next((f" and looks like {kind}" for key, kind in _LOOKS_LIKE.items() if key in content), "")
    raise UnknownFormError(f"is not a state: it has no bookmarks{looks}")


def _merge(newer: t.Any, older: t.Any) -> t.Any:
    """Merge states as Meltano does: objects key by key; otherwise the newer value counts."""
    if not isinstance(newer, dict) or not isinstance(older, dict):
        return newer
    return {**older, **{key: _merge(value, older.get(key)) for key, value in newer.items()}}
