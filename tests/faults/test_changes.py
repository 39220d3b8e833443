"""A sign-up whose process dies after its commit, and changes made while a mail is already being handed over."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import NamedTuple

import pytest
from sqlalchemy import delete, func, select

from config import load_settings
from registration import clock, create_app
from registration.domain import erasure, participation, stopped
from registration.extensions import db, writing
from registration.models import EventSession, Registration
from tests.faults.conftest import Record
from tests.faults.figures import ONE_IN_SHORT, SHARE, times
from tests.faults.house import House, until
from tests.faults.sink import Point, Sink
from tests.faults.workers import Workers
from tests.support.dialogue import REGISTER, change, move_session
from tests.support.dialogue import answers as typed

DEADLINE = 30
_context = multiprocessing.get_context("forkserver")


def test_a_sign_up_that_was_answered_brings_its_mail_whatever_dies(
    house: House, workers: Workers, sink: Sink, record: Record
) -> None:
    """Whoever signs people up is killed after an answer, the worker with the mail in hand."""
    kills = times(200, 1)
    answered: list[str] = []
    for number in range(kills):
        here, there = _context.Pipe(duplex=False)
        visitor = _context.Process(target=_sign_up_for_ever, args=(house.environ, f"r{number}", there), daemon=True)
        visitor.start()
        try:
            answered.append(here.recv())
        finally:
            assert visitor.pid
            os.kill(visitor.pid, signal.SIGKILL)
            visitor.join(DEADLINE)
        there.close()
        while here.poll():
            try:
                answered.append(here.recv())
            except EOFError:
                break
    stall = sink.stall_once(Point.MAIL)
    worker = workers.start()
    assert stall.reached.wait(DEADLINE)
    workers.end(worker, signal.SIGKILL)
    sink.release()
    house.expire()
    workers.start()
    worst = house.drained()
    result = house.result()
    record("F16 kill after a sign-up", runs=kills, mails=result.mails, kills=kills + 1, lost=result.lost,
           duplicates=result.duplicates, worst=worst)  # fmt: skip
    with house.app.app_context():
        assert db.session.execute(select(func.count(Registration.id))).scalar_one() == result.mails
    assert {one.recipient for one in sink.book} >= set(answered)
    assert (result.lost, result.duplicates) == (0, 0)
    assert house.is_whole()


def _moved(house: House, number: int) -> None:
    title = {"en": f"Session as of change {number}"}
    move_session(house.app, "human-rights", timedelta(minutes=1))
    change(house.app, EventSession, "human-rights", title=title)


def _cancelled(house: House, _number: int) -> None:
    with house.app.app_context(), writing():
        newest = db.session.execute(select(Registration).order_by(Registration.id.desc()).limit(1)).scalar_one()
        participation.cancel(newest, now=clock.now())


def _erased(house: House, _number: int) -> None:
    with house.app.app_context(), writing():
        newest = db.session.scalars(select(Registration).order_by(Registration.id.desc()).limit(1)).one()
        erasure.erase(newest, by_link=True, now=clock.now())


def _gone(house: House, _number: int) -> None:
    """As when the whole event is forgotten."""
    with house.app.app_context(), writing():
        newest = select(func.max(Registration.id)).scalar_subquery()
        db.session.execute(delete(Registration).where(Registration.id == newest))


def _stopped(house: House, _number: int) -> None:
    """As a bounce of an earlier mail does."""
    with house.app.app_context(), writing():
        newest = db.session.scalars(select(Registration).order_by(Registration.id.desc()).limit(1)).one()
        stopped.stop(newest.address_hash, "5.1.1", now=clock.now())


class Case(NamedTuple):
    """A change, and what the mail says that is sent afterwards: None where there is none."""

    name: str
    make: Callable[[House, int], None]
    says: str | None


@ONE_IN_SHORT
@pytest.mark.parametrize("point", [Point.CONNECT, Point.RCPT] if SHARE else [Point.RCPT])
@pytest.mark.parametrize(
    "case",
    [
        Case("session moved", _moved, "Session as of change {number}"),
        Case("registration cancelled", _cancelled, "Your registration is cancelled"),
        Case("person erased", _erased, "Your data was erased"),
        Case("person deleted", _gone, None),
        Case("address stopped", _stopped, None),
    ],
    ids=lambda case: case.name,
)
def test_no_mail_is_begun_that_a_change_has_made_wrong(
    house: House, workers: Workers, record: Record, case: Case, point: Point
) -> None:
    """The mail is claimed and written, and the mail server has said yes to its recipient, when the change commits."""
    runs = times(33, 1)
    worst = 0.0
    wrong = 0
    workers.start()
    for number in range(runs):
        stall = house.sink.stall_once(point)
        before = len(house.sink.book)
        house.owe(1)
        assert stall.reached.wait(DEADLINE)
        case.make(house, number)
        stall.go_on.set()
        begun = time.monotonic()
        until(lambda: house.count() == 0 and not house.sink.open_talks, "a worker that has done with the mail")
        worst = max(worst, time.monotonic() - begun)
        said = [one.text for one in house.sink.book[before:]]
        expected = 0 if case.says is None else 1
        wrong += len(said) != expected or any(case.says.format(number=number) not in text for text in said if case.says)
    record(f"F17 {case.name} at {point}", runs=runs, mails=len(house.sink.book), wrong=wrong, worst=worst)
    assert wrong == 0


def _sign_up_for_ever(environ: dict[str, str], name: str, answers: Connection) -> None:
    """Sign people up one after another, each from another network, and say after each answer whose it was."""
    visitor = create_app(load_settings(environ)).test_client()
    for number in range(10_000):
        address = f"{name}-{number}@example.org"
        network = {"REMOTE_ADDR": f"10.0.{number >> 8}.{number & 255}"}
        response = visitor.post(f"{REGISTER}youth/", data=typed(address=address), environ_overrides=network)
        assert response.status_code == 303
        answers.send(address)
