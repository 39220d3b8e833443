"""Many reminders of two events fall due at one instant: the first leaves soon, and what begins first comes first."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytz
from sqlalchemy import func, select, update

from config import ROOT
from registration.domain.crowds import make_crowd
from registration.domain.event_file import import_event
from registration.domain.personal import open_personal
from registration.domain.programme import event_named
from registration.extensions import db, writing
from registration.models import Delivery, Event, EventSession, Registration
from registration.worker import BATCH
from tests.faults.conftest import Record
from tests.faults.figures import ONE_IN_SHORT, SHARE, times
from tests.faults.house import House, until
from tests.faults.sink import Sink
from tests.faults.workers import Workers
from tests.support.dialogue import SLUG

SOON = "dialogue-soon"
CONNECTIONS = 4 if SHARE else 1
ANSWER = 0.02 if SHARE else 0.001
FIRST, LAST = 60, 600
"""Seconds after the instant by which the first and the last of 10,000 have left."""
AHEAD = timedelta(seconds=8 if SHARE else 3)
"""How long the worker has to start before the instant."""
DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)


@ONE_IN_SHORT
def test_reminders_that_fall_due_at_one_instant(house: House, workers: Workers, sink: Sink, record: Record) -> None:
    """Half remind of what begins in a quarter of an hour, half, entered first, of what begins in a day."""
    mails = times(10_000, 120)
    sink.delay = ANSWER
    urgent = _prepare(house, mails // 2)
    due_at = datetime.now(pytz.utc) + AHEAD
    _set_starts(house, SLUG, due_at + DAY)
    _set_starts(house, SOON, due_at + QUARTER)
    workers.environ["MAIL_CONNECTIONS"] = str(CONNECTIONS)
    workers.start()
    instant = time.monotonic() + (due_at - datetime.now(pytz.utc)).total_seconds()
    until(lambda: _made(house) == mails, "the reminders", AHEAD.total_seconds() + FIRST)
    house.drained(LAST)
    first, last = sink.book[0].at - instant, sink.book[-1].at - instant
    result = house.result()
    record(f"F18 {mails:,} at once", mails=result.mails, lost=result.lost, duplicates=result.duplicates, worst=last)
    assert (result.mails, result.lost, result.duplicates) == (mails, 0, 0)
    order = [one.recipient in urgent for one in sink.book]
    assert order.index(False) > len(urgent) - CONNECTIONS * BATCH
    if SHARE:
        assert 0 <= first <= FIRST
        assert last <= LAST * mails / 10_000 + FIRST
    else:
        assert order == sorted(order, reverse=True)


def _prepare(house: House, each: int) -> set[str]:
    """Fill both events; returns the addresses of those in the one that begins soon."""
    now = datetime.now(pytz.utc)
    with house.app.app_context(), writing():
        make_crowd(event_named(SLUG), each, now=now)
        sample = (ROOT / "examples" / "dialogue-2021.yaml").read_bytes()
        soon = import_event(sample, as_slug=SOON, shift_to=f"{now + 30 * DAY:%Y-%m-%d}", now=now).event
        soon.invitations = False
        db.session.flush()
        make_crowd(soon, each, now=now)
        people = select(Registration).where(Registration.event_id == soon.id)
        return {open_personal(one).address for one in db.session.execute(people).scalars()}


def _set_starts(house: House, slug: str, starts_at: datetime) -> None:
    """Let the first session of an event begin at an instant to the microsecond."""
    event_id = select(Event.id).where(Event.slug == slug).scalar_subquery()
    first = select(func.min(EventSession.id)).where(EventSession.event_id == event_id).scalar_subquery()
    with house.app.app_context(), writing():
        values = {"starts_at": starts_at, "ends_at": starts_at + timedelta(hours=2)}
        db.session.execute(update(EventSession).where(EventSession.id == first).values(values))


def _made(house: House) -> int:
    with house.app.app_context():
        return db.session.execute(select(func.count(Delivery.id))).scalar_one()
