"""A backup is taken while mail is being sent; later the database is lost, and the backup is restored elsewhere."""

from __future__ import annotations

import random
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url, update

from config import load_settings
from registration import create_app
from registration.extensions import db, writing
from registration.models import Delivery
from registration.models.delivery import DeliveryState
from tests.faults.conftest import Record
from tests.faults.figures import SHARE, times
from tests.faults.house import House, until
from tests.faults.sink import Sink
from tests.faults.workers import Workers
from tests.support.databases import OWNER, Cluster

MAILS = 200 if SHARE else 30
ANSWER = 0.005
Restore = Callable[[], str]
"""Puts the backup into a database of its own, and returns its address."""


def test_a_backup_taken_in_use_sends_nothing_that_it_knows_was_sent(
    house: House, workers: Workers, record: Record, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """What left between the backup and the loss leaves again, with the same Message-IDs."""
    sink = house.sink
    sink.delay = ANSWER
    runs = times(20, 1)
    lost = window = sent = 0
    worst = 0.0
    for run in range(runs):
        house.owe(MAILS)
        begun = len(sink.book)
        worker = workers.start()
        _until_sent(sink, begun + random.randint(1, MAILS // 3))
        restore = backup_of(house, tmp_path / f"backup-{run}", request)
        _until_sent(sink, len(sink.book) + random.randint(1, MAILS // 3))
        workers.end(worker, signal.SIGKILL)
        restored = restored_house(restore(), house)
        restored.expire()
        owed = restored.owed()
        known = {pair for pair, state in owed.items() if state is DeliveryState.SENT}
        left = {(one.recipient, one.message_id) for one in sink.book[begun:]}
        again = len(sink.book)
        others = Workers(restored.environ)
        others.start()
        worst = max(worst, restored.drained())
        others.end_all()
        resent = [(one.recipient, one.message_id) for one in sink.book[again:]]
        assert len(resent) == len({*resent})
        assert not known & {*resent}
        assert left - known <= {*resent}
        lost += len(owed.keys() - known - {*resent})
        window += len(left - known)
        sent += MAILS
        close(restored)
        _settle_all(house)
    record("F19 backup, its window again", runs=runs, mails=sent, lost=lost, duplicates=window, worst=worst)
    assert lost == 0


def _until_sent(sink: Sink, count: int) -> None:
    until(lambda: len(sink.book) >= count, "more mails")


def backup_of(house: House, path: Path, request: pytest.FixtureRequest) -> Restore:
    """Take a backup as docs/operations.md says."""
    url = make_url(house.environ["DATABASE_URL"])
    assert url.database
    if house.database == "sqlite":
        source, copy = sqlite3.connect(url.database), sqlite3.connect(path)
        source.backup(copy)
        source.close()
        copy.close()
        return lambda: f"sqlite:///{path}"
    cluster: Cluster = request.getfixturevalue("cluster")
    here = ["--username", OWNER, "--host", str(cluster.folder)]
    file = cluster.folder / path.name
    cluster.run("pg_dump", *here, "--format", "custom", "--file", file, url.database)

    def restore() -> str:
        name = cluster.create()
        cluster.run("pg_restore", *here, "--dbname", name, file)
        return cluster.url(name)

    return restore


def restored_house(url: str, house: House) -> House:
    """What was restored, with the settings of the house that was lost."""
    environ = {**house.environ, "DATABASE_URL": url}
    return House(create_app(load_settings(environ)), environ, house.sink)


def close(house: House) -> None:
    """Let go of its database."""
    with house.app.app_context():
        db.engine.dispose()


def _settle_all(house: House) -> None:
    """Let the lost database owe nothing more, for the next run."""
    with house.app.app_context(), writing():
        db.session.execute(update(Delivery).values(state=DeliveryState.SENT, claimed_by=None, claimed_until=None))
