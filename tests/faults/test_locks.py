"""Somebody else holds the lock of SQLite for half a minute: people read on, and who writes is told to come back."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from registration.models.delivery import DeliveryKind
from tests.faults.conftest import Record
from tests.faults.figures import SHARE, times
from tests.faults.house import House
from tests.faults.sink import Sink
from tests.faults.web import Visitor, serving
from tests.faults.workers import Workers

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LOCK = 30 if SHARE else 1
"""Seconds for which nobody else can write."""
PATIENCE = "" if SHARE else "?timeout=0.2"
"""In a plain run the lock is gone before anybody's usual patience is."""
MAILS = 40


def test_a_database_that_somebody_else_has_locked(house: House, workers: Workers, sink: Sink, record: Record) -> None:
    locks = times(50, 1)
    workers.environ["DATABASE_URL"] += PATIENCE
    sink.delay = 0.01
    worker = workers.start()
    worst = 0.0
    with serving(workers.environ) as web, Visitor(web) as visitor:
        for _lock in range(locks):
            talks = sink.talks
            house.owe(MAILS)
            sink.await_talk(talks)
            with _locked(house):
                time.sleep(LOCK)
            worst = max(worst, house.drained(kind=DeliveryKind.CONFIRMED))
    house.drained()
    result = house.result()
    record(f"F11 locked for {LOCK} s", runs=locks, mails=result.mails, lost=result.lost,
           duplicates=result.duplicates, worst=worst)  # fmt: skip
    visitor.judge(house)
    assert (result.lost, result.duplicates) == (0, 0)
    assert workers.end(worker, signal.SIGTERM) == 0
    assert house.is_whole()


@contextmanager
def _locked(house: House) -> Iterator[None]:
    path = house.environ["DATABASE_URL"].removeprefix("sqlite:///")
    other = sqlite3.connect(path, isolation_level=None, timeout=60)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()
