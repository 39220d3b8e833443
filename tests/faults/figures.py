"""How often a fault is done, and what came of it.

PLENARY_FAULTS is the share of the counts in the test plan (1: all of them, 0.1: a tenth). Without it, as in a plain run
of the tests, each fault is done a few times only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest

SHARE = float(os.environ.get("PLENARY_FAULTS") or 0)
HEAD = ("case", "database", "runs", "mails", "kills", "lost", "duplicates", "wrong", "worst s")


@dataclass(frozen=True)
class Figures:
    """One row of the table. `worst`: the longest of what the case measures, in seconds; `wrong`: what came
    and should not have, or says what is not so."""

    case: str
    database: str
    runs: int
    mails: int
    kills: int
    lost: int
    duplicates: int
    worst: float
    wrong: int = 0


recorded: list[Figures] = []

ONE_IN_SHORT = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"] if SHARE else ["sqlite"], indirect=True)
"""For a fault to which the database makes no difference: in a plain run of the tests on SQLite alone."""


def times(planned: int, few: int) -> int:
    """How often to do what the plan wants done `planned` times, and a plain run `few` times."""
    return max(few, round(planned * SHARE)) if SHARE else few


def table() -> list[str]:
    """The figures so far, in lines."""
    rows: list[tuple[str, ...]] = [HEAD]
    for one in recorded:
        counts = (one.runs, one.mails, one.kills, one.lost, one.duplicates, one.wrong)
        rows.append((one.case, one.database, *(f"{count:,}" for count in counts), f"{one.worst:.1f}"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return [
        "  ".join(_cell(text, width, at) for at, (text, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]


def _cell(text: str, width: int, column: int) -> str:
    return text.ljust(width) if column < 2 else text.rjust(width)
