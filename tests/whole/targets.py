"""The targets that `./dev targets` tries, and the tables of them in docs/try-your-target.md."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field
from enum import Enum

GITHUB = "git+https://github.com/"


class Again(Enum):
    """What a target does with rows that a later run writes again."""

    UPDATES = "updates them by their key"
    APPENDS = "appends them"
    REPLACES = "replaces the file, earlier rows are lost"


class Flaw(Enum):
    """What is wrong with a target."""

    NO_INSTALLATION = "pip fails"
    NO_START = "it fails at its start"
    LOST_ROWS = "it loses rows"


@dataclass(frozen=True)
class Target:
    """A target that loads everything.

    Attributes:
        loads: What it loads, for people.
        program: Its command.
        packages: What pip installs.
        again: What it does with rows that a later run writes again.
        config: Its settings, apart from the address of a server.
        remark: What a user has to know.
    """

    loads: str
    program: str
    packages: tuple[str, ...]
    again: Again
    config: dict[str, t.Any] = field(default_factory=dict)
    remark: str = ""


@dataclass(frozen=True)
class Broken:
    """A target that is broken on its own, whatever tap writes.

    Attributes:
        program: Its command.
        packages: What pip installs.
        flaw: What is wrong with it.
        what: The same in more words.
        instead: What to use.
    """

    program: str
    packages: tuple[str, ...]
    flaw: Flaw
    what: str
    instead: str


POSTGRES = Target(
    "PostgreSQL",
    "target-postgres",
    ("meltanolabs-target-postgres==0.8.1",),
    Again.UPDATES,
    {"default_target_schema": "fieldnation", "use_copy": True, "validate_records": False},
    "and `host`, `port`, `user`, `password`, `database`; what the tests and the demo use",
)
DUCKDB = Target(
    "DuckDB",
    "target-duckdb",
    ("target-duckdb==0.8.0", "duckdb==1.2.2"),
    Again.UPDATES,
    {"filepath": "fieldnation.duckdb", "default_target_schema": "main"},
    "not with a newer DuckDB, see below",
)
SQLITE = Target(
    "SQLite",
    "target-sqlite",
    (f"{GITHUB}MeltanoLabs/target-sqlite@d4e802eadfd383d0b6993f97769e2d1ae8099507",),
    Again.UPDATES,
    {"database": "fieldnation.db", "batch_size": 1000},
    "version 0.7.0, which is not on PyPI; flattens objects into columns; times are text; slow",
)
JSONL = Target(
    "JSONL files",
    "target-jsonl",
    ("target-jsonl==0.1.4",),
    Again.APPENDS,
    {"destination_path": ".", "do_timestamp_file": False},
    "of the lines with the same key, use the one with the latest `extracted_at`",
)
PARQUET = Target(
    "Parquet files",
    "target-parquet",
    (f"{GITHUB}Automattic/target-parquet@8bfbb1796e71d52863f821f5c1445525a6cea3d5",),
    Again.APPENDS,
    {"destination_path": "."},
    "version 1.1.2, which is not on PyPI; for Python 3.10 to 3.12; new files in each run; flattens objects into "
    "columns; times are text",
)
CSV = Target(
    "CSV files",
    "target-csv",
    ("meltanolabs-target-csv==0.5.0",),
    Again.REPLACES,
    {"output_path": "."},
    '`overwrite_behavior` does not change that; with `"file_naming_scheme": "{stream_name}-{timestamp}.csv"` each run '
    "writes files of its own",
)
TARGETS = (POSTGRES, DUCKDB, SQLITE, JSONL, PARQUET, CSV)

_LOSES = "silently loses the first row of most batches: DuckDB 1.3 and later takes it for a header"
BROKEN = (
    Broken("target-duckdb", ("target-duckdb==0.8.0", "duckdb==1.3.2"), Flaw.LOST_ROWS, _LOSES, "DuckDB 1.2.2"),
    Broken("target-duckdb", ("target-duckdb==0.8.0", "duckdb==2.0.1"), Flaw.LOST_ROWS, _LOSES, "DuckDB 1.2.2"),
    Broken(
        "target-sqlite",
        ("target-sqlite==0.2.0",),
        Flaw.NO_START,
        "fails at its start with Python 3.10 and later (`module 'collections' has no attribute 'MutableMapping'`)",
        "target-sqlite from GitHub, as above",
    ),
    Broken(
        "target-parquet",
        ("target-parquet==0.0.1",),
        Flaw.NO_INSTALLATION,
        "cannot be installed (`No module named 'pkg_resources'`)",
        "target-parquet from GitHub, as above",
    ),
)


def table() -> str:
    """The tables for people."""
    rows = [
        f"| {one.loads} | {_packages(one.packages)} | `{json.dumps(one.config)}` | {one.again.value} | {one.remark} |"
        for one in TARGETS
    ]
    broken = [f"| {_packages(one.packages)} | {one.what} | {one.instead} |" for one in BROKEN]
    return "\n".join(
        [
            "",
            "| loads | package | config | rows that are written again | remarks |",
            "|---|---|---|---|---|",
            *rows,
            "",
            "Broken on their own, with any tap:",
            "",
            "| package | what happens | use instead |",
            "|---|---|---|",
            *broken,
            "",
        ]
    )


def _packages(packages: tuple[str, ...]) -> str:
    return " ".join(f"`{package}`" for package in packages)
