"""Suggests the name that was probably meant."""

from __future__ import annotations

import difflib
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most similar, ignoring case and punctuation; None if none is similar."""
    by_letters = {_letters(one): one for one in known}
    found = difflib.get_close_matches(_letters(name), by_letters, n=1)
    return by_letters[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """The end of a sentence: a question with the closest name, or other advice if no name is close."""
    found = closest(name, known)
    return f"did you mean {found}?" if found else f"{otherwise}."


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))
