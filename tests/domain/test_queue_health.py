"""How the outbox does: how many mails stand how, and what is due and does not leave."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event as listening
from sqlalchemy import select, text, update

from registration import tray
from registration.domain import outbox, queue_health, reminders, submissions
from registration.domain.outbox import Outcome
from registration.domain.programme import event_named
from registration.domain.queue_health import Cause, EventMails, Overdue, QueueHealth, Standing
from registration.extensions import db, insert_rows, writing
from registration.models import Delivery, Event, StoppedAddress, Submission
from registration.models.delivery import DeliveryKind, DeliveryState
from registration.models.event import EventState
from tests.support.dialogue import AMINA, DAY, FIRST_START, MINUTE, SLUG, change, load_dialogue, take_part_by_rule

pytestmark = pytest.mark.usefixtures("amina", "context")
SECOND = timedelta(seconds=1)


@pytest.fixture
def amina(app: Flask, now: datetime) -> None:
    """A participant to whom one mail, a confirmation, has been sent."""
    load_dialogue(app)
    with app.app_context():
        take_part_by_rule(AMINA, now=now)
        with writing():
            kept = select(Delivery.id).order_by(Delivery.id.desc()).limit(1).scalar_subquery()
            db.session.execute(db.delete(Delivery).where(Delivery.id != kept))


def owe(*mails: dict[str, object], now: datetime) -> None:
    """Deliveries to her, due now but for these values."""
    first = db.session.execute(select(Delivery.registration_id)).scalars().first()
    rows = [
        {
            "key": f"x/{now}/{number}",
            "kind": DeliveryKind.LINK,
            "registration_id": first,
            "state": DeliveryState.WAITING,
            "urgent": False,
            "resend": 0,
            "tries": 0,
            "reply_code": None,
            "due_at": now,
            "next_try_at": now,
            "useful_until": now + DAY,
            **values,
        }
        for number, values in enumerate(mails)
    ]
    with writing():
        insert_rows(Delivery, rows)


def test_an_outbox_from_which_all_has_left(now: datetime) -> None:
    assert queue_health.health(now=now) == QueueHealth(Counter({Standing.SENT: 1}), None, 0, 0, 0)
    assert queue_health.overdue(now=now + DAY) is None


def test_what_waits_is_told_apart_by_why(now: datetime) -> None:
    later = {"next_try_at": now + MINUTE}
    settled = [{"state": state} for state in DeliveryState if state is not DeliveryState.WAITING]
    owe({}, {}, {"tries": 2}, {**later, "tries": 1}, {**later, "due_at": now + MINUTE}, *settled, now=now)
    with writing():
        db.session.add(StoppedAddress(address_hash=b"x" * 32, status="5.1.1", stopped_at=now))
    counted = {Standing.DUE: 3, Standing.RETRYING: 1, Standing.WAITING: 1, Standing.SENT: 2}
    others = dict.fromkeys((Standing.FAILED, Standing.BOUNCED, Standing.STOPPED, Standing.DROPPED), 1)
    mails = Counter(counted | others)
    assert queue_health.health(now=now) == QueueHealth(mails, now, 0, 0, 1)
    assert queue_health.of_event(event_named(SLUG), now=now) == EventMails(mails, now)


def test_another_events_mails_are_not_counted_with_one(now: datetime) -> None:
    owe({}, now=now)
    other = Event(id=-1)
    assert queue_health.of_event(other, now=now) == EventMails(Counter(), None)


def test_a_mail_is_overdue_after_two_minutes_whatever_it_waits_for(now: datetime) -> None:
    owe({}, {"tries": 3, "reply_code": 451, "next_try_at": now + DAY}, now=now)
    assert queue_health.overdue(now=now + 2 * MINUTE) is None
    assert queue_health.overdue(now=now + 2 * MINUTE + SECOND) == Overdue(2, 0, now, Cause.SILENT, 1, 1)
    found = queue_health.health(now=now + 2 * MINUTE + SECOND)
    assert (found.mails_overdue, found.oldest_due_at) == (2, now)


def test_the_likely_cause_is_told_from_what_the_database_shows(now: datetime) -> None:
    owe({}, {}, now=now)
    late = now + 3 * MINUTE
    assert queue_health.overdue(now=late) == Overdue(2, 0, now, Cause.SILENT)
    with writing():
        (first, second) = outbox.claim(owner="one", limit=5, now=late)
    assert queue_health.overdue(now=late) == Overdue(2, 0, now, Cause.BUSY)
    assert queue_health.overdue(now=late + outbox.LEASE) == Overdue(2, 0, now, Cause.SILENT)
    with writing():
        outbox.settle(first, Outcome(sent=False, code=451), owner="one", now=late)
    assert queue_health.overdue(now=late) == Overdue(2, 0, now, Cause.BUSY, 1, 1)
    with writing():
        outbox.settle(second, Outcome(sent=False), owner="one", now=late)
    assert queue_health.overdue(now=late) == Overdue(2, 0, now, Cause.SILENT, 1, 1)


def test_mails_that_are_refused_for_now_are_told_from_those_that_do_not_leave(now: datetime) -> None:
    owe({"tries": 1, "reply_code": 451}, {"tries": 40, "reply_code": 450}, now=now)
    late = now + 3 * MINUTE
    assert queue_health.overdue(now=late) == Overdue(2, 0, now, Cause.REFUSED, 2, 1)
    owe({"tries": 1}, now=now + SECOND)
    assert queue_health.overdue(now=late) == Overdue(3, 0, now, Cause.SILENT, 2, 1)


def test_reminders_that_nobody_makes_are_overdue(now: datetime) -> None:
    due_at = FIRST_START - DAY
    assert queue_health.overdue(now=due_at + 2 * MINUTE) is None
    late = due_at + 2 * MINUTE + SECOND
    assert queue_health.overdue(now=late) == Overdue(0, 1, due_at, Cause.SILENT)
    assert queue_health.health(now=late).reminders_overdue == 1
    with writing():
        reminders.make_reminders(now=late)
    assert queue_health.overdue(now=late) == Overdue(1, 0, due_at, Cause.SILENT)
    assert queue_health.health(now=late).reminders_overdue == 0


def test_forms_that_nobody_answers_are_overdue(now: datetime) -> None:
    with writing():
        submissions.take_find(event_named(SLUG), AMINA, now=now)
    assert queue_health.overdue(now=now + 2 * MINUTE) is None
    late = now + 2 * MINUTE + SECOND
    assert queue_health.overdue(now=late) == Overdue(0, 0, now, Cause.SILENT, submissions=1)
    assert queue_health.health(now=late).submissions_overdue == 1
    with writing():
        db.session.execute(update(Submission).values(sealed=b"k1:nothing"))
    tray.empty(now=late)
    assert queue_health.overdue(now=late) == Overdue(0, 0, now, Cause.FAULTY, submissions=1)
    owe({}, now=now)
    assert queue_health.overdue(now=late) == Overdue(1, 0, now, Cause.SILENT, submissions=1)


def test_an_event_that_was_only_just_changed_gives_the_worker_time(app: Flask) -> None:
    late = FIRST_START - DAY + timedelta(hours=1)
    change(app, Event, SLUG, updated_at=late)
    assert queue_health.overdue(now=late + MINUTE) is None
    assert queue_health.overdue(now=late + 3 * MINUTE) is not None
    change(app, Event, SLUG, state=EventState.DRAFT)
    assert queue_health.overdue(now=late + 3 * MINUTE) is None


def test_what_every_page_of_the_desk_asks_is_read_from_an_index(now: datetime) -> None:
    """With so many rows that databases weigh what a plan costs."""
    owe(*[{"state": DeliveryState.SENT}] * 3000, {}, now=now)
    with writing():
        db.session.execute(text("ANALYZE"))
    plans: list[str] = []

    def explain(_connection: object, cursor: Any, statement: str, parameters: Any, *_rest: object) -> None:
        if "claimed_until" in statement:
            explaining = "EXPLAIN QUERY PLAN" if db.engine.dialect.name == "sqlite" else "EXPLAIN"
            cursor.execute(f"{explaining} {statement}", parameters)
            plans.append(str(cursor.fetchall()))

    listening.listen(db.engine, "before_cursor_execute", explain)
    queue_health.overdue(now=now)
    listening.remove(db.engine, "before_cursor_execute", explain)
    assert ["ix_delivery_not_sent" in plan for plan in plans] == [True]
