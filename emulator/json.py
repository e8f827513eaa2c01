"""The type of what JSON holds. It has no narrower one: shapes are given in words where they matter."""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = Any
