"""Bodies become Python values that a target can load, even from invalid text; what is not JSON is an error."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_fieldnation.api import redact
from tap_fieldnation.api.decode import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

DIGITS = "9" * 5_000


def nested(levels: int, inner: str) -> str:
    return '{"a":[' * (levels // 2) + inner + "]}" * (levels // 2)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (rb'{"a": "b\u0000c"}', {"a": "bc"}),
        (rb'{"a\u0000": ["\u0000"]}', {"a": [""]}),
        (rb'{"a": "\\u0000"}', {"a": "\\u0000"}),
        (rb'{"a": "b\ud800c"}', {"a": "bc"}),
        (rb'{"\udfffa": "\ude00\ud83d"}', {"a": ""}),
        (rb'"\ud83d\ude00"', "😀"),
        (b'"\xed\xa0\x80x"', "x"),
        (b'"\xff\xfe\xffx"', "���x"),
        (b'{"a": "caf\xe9"}', {"a": "caf�"}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        ('{"a": "ü"}'.encode("utf-16"), {"a": "ü"}),
        (b'{"a": NaN, "b": [Infinity, -Infinity]}', {"a": "NaN", "b": ["Infinity", "-Infinity"]}),
        (b'{"a": 1e999, "b": -1e999, "c": 1.5}', {"a": "1e999", "b": "-1e999", "c": 1.5}),
        (f"[{DIGITS}, -{DIGITS}, 7]".encode(), [DIGITS, f"-{DIGITS}", 7]),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b' [1, 2.5, true, null, "x", {}]\r\n', [1, 2.5, True, None, "x", {}]),
        (b'"caf\xc3\xa9"', "café"),
        ('"\u2028"'.encode(), "\u2028"),
    ],
)
def test_what_targets_cannot_load_is_removed(body: bytes, value: object) -> None:
    assert decode(body) == value


@pytest.mark.parametrize("inner", ["1", r'"\u0000"', r'"\ud800"', "1e999"])
@pytest.mark.parametrize("levels", [100, 700])
def test_deep_nesting_is_decoded(levels: int, inner: str) -> None:
    value = decode(nested(levels, inner).encode())
    for _ in range(levels // 2):
        [value] = value["a"]
    assert not isinstance(value, (dict, list))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"<html><body>Bad Gateway</body></html>",
        b"{",
        b'{"a": 1',
        b'{"a": "b',
        b'{"a": 1}}',
        b"{'a': 1}",
        b'{"a": \x00}',
        b"\x1f\x8b\x08\x00\x00",
        b"\xff",
        b"nan",
        b"undefined",
        b"01",
        pytest.param(nested(100_000, "1").encode(), id="too deep"),
        pytest.param(nested(100_000, r'"\ud800"').encode(), id="too deep, with an unpaired surrogate"),
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_not_json_is_an_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(body)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4),
    max_leaves=20,
)


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


@given(VALUES, st.booleans())
def test_any_decoded_json_can_be_encoded_again(value: object, escaped: bool) -> None:  # noqa: FBT001
    body = json.dumps(value, ensure_ascii=escaped).encode(errors="surrogatepass")
    decoded = decode(body)
    json.dumps(decoded, ensure_ascii=False, allow_nan=False).encode()
    assert not any("\0" in leaf for leaf in leaves(decoded) if isinstance(leaf, str))
    clean = all(leaf.isprintable() if isinstance(leaf, str) else leaf == leaf for leaf in leaves(value))  # noqa: PLR0124
    if clean and not any(isinstance(leaf, float) and math.isinf(leaf) for leaf in leaves(value)):
        assert decoded == value


@given(st.binary())
def test_any_bytes_are_decoded_or_an_error(body: bytes) -> None:
    try:
        decode(body)
    except ValueError as error:
        assert str(error)  # noqa: PT017


SECRET = "canary4711+/=token"


@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        SECRET.replace("/", "\\/"),
        SECRET.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D"),
        SECRET.replace("+", "\\u002b"),
        SECRET.replace("=", "&#61;"),
        "".join(f"\\u{ord(char):04x}" for char in SECRET),
        SECRET.replace("c", "\\u0063").replace("4", "\\u0034"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
def test_a_secret_is_masked_wherever_it_is(shown: str, encoding: str) -> None:
    redact.register_tokens(SECRET)
    body = f'{{"a": ["x", {{"href": "/y?access_token={shown}&b=1", "{shown}": 1}}], "b": 4711}}'
    expected = {"a": ["x", {"href": "/y?access_token=***&b=1", "***": 1}], "b": 4711}
    assert decode(body.encode(encoding)) == expected


def test_a_token_can_be_decoded() -> None:
    redact.register_tokens(SECRET)
    assert decode(f'{{"access_token": "{SECRET}"}}'.encode(), mask=False) == {"access_token": SECRET}


def test_text_that_only_resembles_a_secret_is_unchanged() -> None:
    redact.register_tokens(SECRET)
    value = {"a": "canary4711 token", "b": "Zoë\u00e9", "c": "canary471"}
    assert decode(json.dumps(value).encode()) == value
