"""The disk of the database is full: nobody is signed up by half, and no mail leaves that cannot be recorded."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from registration.extensions import db
from registration.worker import BATCH
from tests.faults.conftest import Record
from tests.faults.disks import Disk, mounted
from tests.faults.figures import SHARE, times
from tests.faults.house import House
from tests.faults.sink import Point, Sink
from tests.faults.web import Web, serving
from tests.faults.workers import Workers
from tests.support.databases import Cluster
from tests.support.dialogue import registrations

MAILS = BATCH + 10
"""So many that the second worker has mails to claim, if it could."""
FULL = 10 if SHARE else 1.5
"""Seconds for which the disk is full."""
PLACES = 400
"""More sign-ups than fit into the room that PostgreSQL finds in pages it has."""


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, disk: Disk) -> Iterator[str]:
    """A migrated database on the small disk."""
    if request.param == "sqlite":
        copy = shutil.copy(request.getfixturevalue("migrated_sqlite"), disk.folder / "plenary.sqlite")
        yield f"sqlite:///{copy}"
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    tables = disk.folder / "tables"
    tables.mkdir()
    template: str = request.getfixturevalue("migrated_postgresql")
    cluster.empty(template)
    with cluster.elsewhere(tables, template) as name:
        yield cluster.url(name)


@pytest.fixture
def disk() -> Iterator[Disk]:
    """A small disk that the server of PostgreSQL can reach too."""
    with mounted(Path(tempfile.mkdtemp(prefix="plenary-disk-"))) as disk:
        yield disk


def test_a_full_disk_stops_mail_and_sign_ups_until_there_is_room(
    house: House, disk: Disk, workers: Workers, sink: Sink, record: Record
) -> None:
    """It fills between a 250 and its commit. The worker remembers that 250, and sends nothing before it is recorded;
    one that comes later cannot claim, and sends nothing either."""
    runs = times(20, 1)
    worst = 0.0
    workers.start()
    with serving(house.environ) as web:
        for run in range(runs):
            stall = sink.stall_once(Point.DOT)
            house.owe(MAILS)
            assert stall.reached.wait(30)
            _shorten_log(house)
            with disk.full():
                before = len(sink.book)
                stall.go_on.set()
                late = workers.start()
                welcome, refused = _sign_up_until_refused(web, f"run-{run}")
                time.sleep(FULL)
                if house.database == "sqlite":
                    assert len(sink.book) == before
            _check(house, web, welcome, refused)
            worst = max(worst, house.drained())
            assert workers.end(late, signal.SIGTERM) == 0
    result = house.result()
    record("F12 disk full", runs=runs, mails=result.mails, lost=result.lost, duplicates=result.duplicates, worst=worst)
    assert (result.lost, result.duplicates) == (0, 0)
    assert house.is_whole()


def _shorten_log(house: House) -> None:
    """Let the next commit need room, which SQLite may have left in its log, so that it does not."""
    if house.database == "sqlite":
        with house.app.app_context():
            db.session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))


def _sign_up_until_refused(web: Web, name: str) -> tuple[list[str], str]:
    """Sign people up until one is told to come back; returns who was told yes, and who was not."""
    for number in range(PLACES):
        address = f"{name}-{number}@example.org"
        answer = web.sign_up(address)
        if answer.status != 303:
            assert (answer.status, answer.retry_after) == (503, "60")
            assert "has kept nothing of this" in answer.text
            assert address in answer.text
            return [f"{name}-{before}@example.org" for before in range(number)], address
    raise AssertionError("nobody was refused on a full disk")


def _check(house: House, web: Web, welcome: list[str], refused: str) -> None:
    """Who was told yes is in, who was refused is not, and gets in now."""
    house.answered()
    with house.app.app_context():
        assert [len(registrations(address)) for address in welcome] == [1] * len(welcome)
        assert registrations(refused) == []
    assert web.sign_up(refused).status == 303
