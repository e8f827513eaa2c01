"""The type of decoded JSON. It is `Any`; docstrings describe the shape where it matters."""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = Any
