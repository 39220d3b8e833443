"""Workers that are asked to end (SIGTERM), and workers that stand still (SIGSTOP) until their lease has gone."""

from __future__ import annotations

import random
import signal
import time
from os import kill

import pytest
from sqlalchemy import select

from registration.extensions import db
from registration.models import Delivery
from tests.faults.conftest import Record
from tests.faults.figures import ONE_IN_SHORT, SHARE, times
from tests.faults.house import House
from tests.faults.sink import Point, Sink
from tests.faults.workers import Workers

ANSWER = 0.004
RUN = 100 if SHARE else 40
LATEST = 0.3
GRACE = 10
"""Seconds within which a worker that is told to end has ended."""
MAILS = 5


def test_a_worker_that_is_told_to_end_hands_back_what_it_holds(
    house: House, workers: Workers, sink: Sink, record: Record
) -> None:
    """The next one sends it at once: no lease has to run out."""
    sink.delay = ANSWER
    stops = times(100, 2)
    slowest = 0.0
    for number in range(stops):
        if house.count() < RUN / 2:
            house.owe(RUN)
        talks = sink.talks
        worker = workers.start(fresh=number == 0)
        sink.await_talk(talks)
        time.sleep(random.uniform(0, LATEST))
        begun = time.monotonic()
        assert workers.end(worker, signal.SIGTERM, GRACE) == 0
        slowest = max(slowest, time.monotonic() - begun)
    workers.start()
    house.drained()
    result = house.result()
    record("F5 SIGTERM", runs=stops, mails=result.mails, lost=result.lost, duplicates=result.duplicates, worst=slowest)
    assert (result.lost, result.duplicates) == (0, 0)
    assert house.is_whole()


@ONE_IN_SHORT
@pytest.mark.parametrize("point", [Point.MAIL, Point.RCPT])
def test_a_worker_that_is_told_to_end_does_not_wait_for_a_server_that_stalls(
    house: House, workers: Workers, sink: Sink, record: Record, point: Point
) -> None:
    """Before DATA nothing has been sent: the mail goes back, and leaves with the next worker."""
    house.owe(MAILS)
    stall = sink.stall_once(point)
    worker = workers.start()
    assert stall.reached.wait(30)
    begun = time.monotonic()
    assert workers.end(worker, signal.SIGTERM, GRACE) == 0
    worst = time.monotonic() - begun
    sink.release()
    workers.start()
    house.drained()
    result = house.result()
    record(f"F5 SIGTERM, stalled at {point}", mails=result.mails, lost=result.lost, duplicates=result.duplicates,
           worst=worst)  # fmt: skip
    assert (result.lost, result.duplicates) == (0, 0)


@ONE_IN_SHORT
def test_a_worker_without_mail_ends_at_once(house: House, workers: Workers, sink: Sink) -> None:
    house.owe(1)
    worker = workers.start()
    house.drained()
    assert workers.end(worker, signal.SIGTERM, GRACE) == 0


@pytest.mark.parametrize(("point", "repeats"), [(Point.RCPT, 0), (Point.DOT, 1)])
def test_a_worker_that_stood_still_past_its_lease_overwrites_nothing(
    house: House, workers: Workers, record: Record, point: Point, repeats: int
) -> None:
    stops = times(25, 1)
    worst = 0.0
    for _stop in range(stops):
        house.owe(MAILS)
        stall = house.sink.stall_once(point)
        sleeper = workers.start()
        owner = house.new_owner()
        assert stall.reached.wait(30)
        kill(sleeper.pid, signal.SIGSTOP)
        house.expire(owner)
        other = workers.start()
        worst = max(worst, house.drained())
        workers.end(other, signal.SIGTERM)
        before = _rows(house)
        stall.go_on.set()
        kill(sleeper.pid, signal.SIGCONT)
        assert workers.end(sleeper, signal.SIGTERM) == 0
        assert _rows(house) == before
    result = house.result()
    record(
        f"F6 SIGSTOP at {point}",
        runs=stops,
        mails=result.mails,
        lost=result.lost,
        duplicates=result.duplicates,
        worst=worst,
    )
    assert (result.lost, result.duplicates) == (0, repeats * stops)


def _rows(house: House) -> list[tuple[object, ...]]:
    """How each delivery ended."""
    columns = (
        Delivery.id,
        Delivery.state,
        Delivery.tries,
        Delivery.reply_code,
        Delivery.settled_at,
        Delivery.claimed_by,
    )
    with house.app.app_context():
        return [tuple(row) for row in db.session.execute(select(*columns).order_by(Delivery.id))]
