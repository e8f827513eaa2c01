"""What the tests of the whole share: a PostgreSQL server for a pytest process, a database for a test."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from demo.postgres import postgres as running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.postgres import Server

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server of our own; nothing of it is left at the end."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def database(postgres: Server) -> Server:
    """An empty database on that server."""
    name = f"test_{next(NUMBERS)}"
    with psycopg.connect(postgres.uri, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return postgres.with_database(name)
