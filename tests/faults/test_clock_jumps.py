"""The clock is wrong by an hour or a day, and is put right: reminders leave once, and never after their time."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta
from typing import NamedTuple

import pytz
from sqlalchemy import ColumnElement, select

from config import ROOT
from registration.domain.crowds import make_crowd
from registration.domain.event_file import import_event
from registration.domain.reminder_times import spans
from registration.extensions import db, writing
from registration.models import Delivery, Event, EventSession, ReminderRule
from registration.models.delivery import DeliveryState
from tests.faults.conftest import Record
from tests.faults.figures import ONE_IN_SHORT, SHARE, times
from tests.faults.house import House
from tests.faults.sink import Behaviour, Point, Sink
from tests.faults.workers import Workers

pytestmark = ONE_IN_SHORT
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
JUMPS = [HOUR, -HOUR, DAY, -DAY]
PEOPLE = 2
EARLY = timedelta(seconds=60)
"""By how much of true time a reminder may be early where the clock is right (again)."""

Reminder = tuple[str, str]
"""The slugs of its session and of its rule."""
Spans = dict[Reminder, tuple[datetime, datetime]]
"""From when until when each reminder is of use."""


class Look(NamedTuple):
    """A worker looks: the true time, and by how much its clock is wrong."""

    at: datetime
    off: timedelta = timedelta()

    @property
    def clock(self) -> datetime:
        """What its clock shows."""
        return self.at + self.off


def test_a_clock_that_jumps_and_is_put_right(house: House, workers: Workers, sink: Sink, record: Record) -> None:
    runs = times(20, 1)
    wrong = 0
    for run in range(runs):
        slug = f"jumps-{run}"
        spans = _event(house, slug, ahead=30 + 10 * run)
        left: dict[Reminder, Look] = {}
        refused: set[Reminder] = set()
        looks = _looks(spans)
        for number, look in enumerate(looks):
            if look.off and number % 3 == 0:
                sink.rule = _later
            assert workers.look(look.clock) == 0
            sink.release()
            left |= dict.fromkeys(_reminders(house, slug, Delivery.state == DeliveryState.SENT) - left.keys(), look)
            refused |= _reminders(house, slug, Delivery.tries > 0) - left.keys()
        wrong += _wrong(left, refused, looks, spans)
    taken = Counter(one.message_id for one in sink.book)
    duplicates = taken.total() - len(taken)
    record("F13 clock jumps", runs=runs, mails=taken.total(), wrong=wrong, duplicates=duplicates, worst=0)
    assert (wrong, duplicates) == (0, 0)


def _event(house: House, slug: str, *, ahead: int) -> Spans:
    """Make an event so many days ahead with a few people, and tell when its reminders are of use."""
    now = datetime.now(pytz.utc)
    with house.app.app_context(), writing():
        sample = (ROOT / "examples" / "dialogue-2021.yaml").read_bytes()
        event = import_event(sample, as_slug=slug, shift_to=f"{now + ahead * DAY:%Y-%m-%d}", now=now).event
        event.invitations = False
        db.session.flush()
        make_crowd(event, PEOPLE, now=now)
        return {
            (session.slug, span.rule.slug): (span.due_at, span.useful_until)
            for session in event.sessions
            for span in spans(event.reminder_rules, session)
        }


def _looks(spans: Spans) -> list[Look]:
    """Look about each moment at which something is due or over, sometimes with a wrong clock, and once long after."""
    moments = sorted({moment for span in spans.values() for moment in span})
    looks = [Look(moment + random.choice([-1, 0, 5]) * MINUTE) for moment in moments]
    for jump in random.sample(JUMPS, 4 if SHARE else 2):
        looks.append(Look(random.choice(moments) + random.randint(6, 60) * MINUTE, jump))
    return [*sorted(looks), Look(moments[-1] + 3 * DAY)]


def _later(point: Point, _recipient: str) -> Behaviour | None:
    return Behaviour(reply="451 4.0.0 Later") if point is Point.RCPT else None


def _reminders(house: House, slug: str, such: ColumnElement[bool]) -> set[Reminder]:
    """The reminders of an event of which there are such deliveries."""
    with house.app.app_context():
        query = (
            select(EventSession.slug, ReminderRule.slug)
            .select_from(Delivery)
            .join(Delivery.session)
            .join(Delivery.rule)
            .join(EventSession.event)
            .where(Event.slug == slug, such)
        )
        return {(session, rule) for session, rule in db.session.execute(query)}


def _wrong(left: dict[Reminder, Look], refused: set[Reminder], looks: list[Look], spans: Spans) -> int:
    """Count what left too early or too late, and what never left though somebody looked in its time and could send.

    What was refused under a clock that was ahead is tried again when that time has come, which may be too late.
    """
    wrong = 0
    for reminder, (due, until) in spans.items():
        look = left.get(reminder)
        if look is None:
            wrong += reminder not in refused and any(not one.off and due <= one.at < until for one in looks)
        elif look.off:
            wrong += not due <= look.clock < until
        else:
            wrong += not due - EARLY <= look.at < until
    return wrong
