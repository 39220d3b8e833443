"""PostgreSQL stops at once, as in a crash, while mail is being sent and people sign up, and comes back."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator

import pytest

from registration.models.delivery import DeliveryKind
from tests.conftest import MakeSettings, migrate
from tests.faults.conftest import Record
from tests.faults.figures import SHARE, times
from tests.faults.house import House
from tests.faults.sink import Sink
from tests.faults.web import Visitor, serving
from tests.faults.workers import Workers
from tests.support.databases import DURABLE, Cluster, postgresql_binaries, running_cluster
from tests.support.needs import need

MAILS = 60 if SHARE else 30
LATEST = 0.4
"""Seconds after a worker's first mail within which the database stops."""
AWAY = 3 if SHARE else 0.5


@pytest.fixture
def durable() -> Iterator[Cluster]:
    """A cluster that keeps what it has committed, whatever happens."""
    binaries = postgresql_binaries()
    need(binaries, "PostgreSQL")
    assert binaries
    with running_cluster(binaries, DURABLE) as running:
        yield running


@pytest.fixture
def database_url(durable: Cluster, make_settings: MakeSettings) -> str:
    """A database of its own, with tables."""
    url = durable.url(durable.create())
    migrate(make_settings(url))
    return url


def test_a_database_that_crashes_and_comes_back(
    house: House, durable: Cluster, workers: Workers, sink: Sink, record: Record
) -> None:
    restarts = times(50, 1)
    sink.delay = 0.004
    worker = workers.start()
    worst = 0.0
    with serving(workers.environ) as web, Visitor(web) as visitor:
        for _restart in range(restarts):
            talks = sink.talks
            house.owe(MAILS)
            sink.await_talk(talks)
            time.sleep(random.uniform(0, LATEST))
            durable.stop()
            time.sleep(random.uniform(AWAY / 2, AWAY))
            durable.start()
            worst = max(worst, house.drained(kind=DeliveryKind.CONFIRMED))
    house.drained()
    result = house.result()
    record("F11 database crashes", runs=restarts, mails=result.mails, lost=result.lost,
           duplicates=result.duplicates, worst=worst)  # fmt: skip
    visitor.judge(house)
    assert result.lost == 0
    assert result.duplicates <= restarts
    assert workers.end(worker, signal.SIGTERM) == 0
