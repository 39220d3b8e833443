"""The power fails in mid-commit: the write-ahead log of SQLite ends anywhere in what was being written.

It is cut in a copy, at random; what comes after the cut is missing, or zeros, or noise, as file systems leave it. What
was acknowledged had been waited for (synchronous = FULL), so it lies before the cut. This machine cannot show that its
disk keeps what fsync promised, nor what a file system does to files that had been synced: only a machine whose plug is
pulled shows that.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from registration import clock
from registration.extensions import db
from tests.faults.conftest import Record
from tests.faults.figures import times
from tests.faults.house import House
from tests.support.dialogue import sign_up_by_rule

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FULL = 2
"""What SQLite calls synchronous = FULL: a commit is answered when the disk has it."""
COMMITS = 12
"""Sign-ups whose end is noted; each is one commit."""


def test_what_was_acknowledged_survives_a_power_cut_in_the_next_commit(
    house: House, record: Record, tmp_path: Path
) -> None:
    cuts = times(200, 40)
    path = Path(house.environ["DATABASE_URL"].removeprefix("sqlite:///"))
    log = path.with_name(f"{path.name}-wal")
    with house.app.app_context():
        assert db.session.execute(text("PRAGMA synchronous")).scalar_one() == FULL
        ends = [log.stat().st_size]
        for number in range(COMMITS):
            sign_up_by_rule(f"person-{number}@example.org", now=clock.now())
            ends.append(log.stat().st_size)
        assert ends == sorted({*ends}), "each commit adds to the log"
        whole = log.read_bytes()
        lost = broken = 0
        for _cut in range(cuts):
            acknowledged = random.randrange(COMMITS)
            at = random.randint(ends[acknowledged], ends[acknowledged + 1] - 1)
            left = _after_the_cut(path, whole[:at] + _rest(len(whole) - at), tmp_path)
            broken += left is None
            lost += left is not None and left < acknowledged
            assert left is None or left <= acknowledged, "a commit of which a part was cut off is there"
    record("F15 power cut", runs=cuts, mails=0, lost=lost, wrong=broken, worst=0)
    assert (lost, broken) == (0, 0)


def _rest(length: int) -> bytes:
    """What a file system may show behind the cut."""
    return random.choice([b"", bytes(length), random.randbytes(length)])


def _after_the_cut(path: Path, log: bytes, folder: Path) -> int | None:
    """Open a copy with this log; returns how many people it knows, None where it is not whole."""
    copy = folder / "after.sqlite"
    shutil.copy(path, copy)
    copy.with_name("after.sqlite-wal").write_bytes(log)
    copy.with_name("after.sqlite-shm").unlink(missing_ok=True)
    connection = sqlite3.connect(copy)
    try:
        if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            return None
        [(people,)] = connection.execute("SELECT count(*) FROM registration")
        [(mails,)] = connection.execute("SELECT count(*) FROM delivery")
        assert people == mails, "a sign-up and its mail are one commit"
        return int(people)
    finally:
        connection.close()
