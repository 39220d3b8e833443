"""Workers that are killed (SIGKILL) at random times: nothing is lost, and at most the one in flight repeats."""

from __future__ import annotations

import random
import signal
import time

from tests.faults.conftest import Record
from tests.faults.figures import SHARE, times
from tests.faults.house import House
from tests.faults.sink import Sink
from tests.faults.workers import Workers

RUN = 200 if SHARE else 40
"""Mails to have waiting before each kill."""
ANSWER = 0.004
"""Seconds the mail server takes to answer the dot."""
LATEST = 0.4 if SHARE else 0.2
"""Seconds after its first mail within which a worker is killed."""


def test_a_worker_killed_at_any_time(house: House, workers: Workers, sink: Sink, record: Record) -> None:
    sink.delay = ANSWER
    kills = times(500, 2)
    for number in range(kills):
        if house.count() < RUN / 4:
            house.owe(RUN)
        talks = sink.talks
        worker = workers.start(fresh=number == 0)
        sink.await_talk(talks)
        time.sleep(random.uniform(0, LATEST))
        assert workers.end(worker, signal.SIGKILL) == -signal.SIGKILL
        house.expire()
    workers.start()
    worst = house.drained()
    result = house.result()
    record(
        "F1 kill -9 at any time",
        mails=result.mails,
        kills=kills,
        lost=result.lost,
        duplicates=result.duplicates,
        worst=worst,
    )
    assert result.lost == 0
    assert result.duplicates <= kills
    assert house.is_whole()
