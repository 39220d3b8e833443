"""Several workers on one outbox: each mail leaves once, and a kill costs at most the one mail in flight."""

from __future__ import annotations

import random
import signal
import time

import pytest

from registration.worker import BATCH
from tests.faults.conftest import Record
from tests.faults.figures import SHARE, times
from tests.faults.house import House, until
from tests.faults.sink import Point, Sink
from tests.faults.workers import Worker, Workers

ANSWER = 0.004
RUN = 200 if SHARE else 2 * BATCH
LATEST = 0.4 if SHARE else 0.1


@pytest.mark.parametrize("count", [2, 4] if SHARE else [2])
def test_several_workers_send_each_mail_once(
    house: House, workers: Workers, sink: Sink, record: Record, count: int
) -> None:
    sink.delay = ANSWER
    house.owe(max(times(10_000, 0), count * (BATCH + 10)))
    gate = sink.stall_all(Point.CONNECT)
    started = [workers.start() for _worker in range(count)]
    until(lambda: sink.talks >= count, "all workers at the mail server")
    gate.go_on.set()
    worst = house.drained(600)
    codes = [workers.end(worker, signal.SIGTERM) for worker in started]
    result = house.result()
    record(f"F3 {count} workers", mails=result.mails, lost=result.lost, duplicates=result.duplicates, worst=worst)
    assert (result.lost, result.duplicates) == (0, 0)
    assert codes == [0] * count
    assert house.is_whole()


def test_two_workers_of_which_one_is_killed(house: House, workers: Workers, sink: Sink, record: Record) -> None:
    sink.delay = ANSWER
    kills = times(300, 1)
    house.owe(RUN)
    running = [_started(house, workers), _started(house, workers)]
    for _kill in range(kills):
        worker, owner = running.pop(random.randrange(2))
        time.sleep(random.uniform(0, LATEST))
        workers.end(worker, signal.SIGKILL)
        house.expire(owner)
        if house.count() < RUN:
            house.owe(RUN)
        running.append(_started(house, workers))
    worst = house.drained()
    result = house.result()
    record(
        "F4 2 workers, kill -9",
        mails=result.mails,
        kills=kills,
        lost=result.lost,
        duplicates=result.duplicates,
        worst=worst,
    )
    assert result.lost == 0
    assert result.duplicates <= kills
    assert house.is_whole()


def _started(house: House, workers: Workers) -> tuple[Worker, str]:
    """A worker that has claimed mail, and the name under which it did."""
    return workers.start(), house.new_owner()
