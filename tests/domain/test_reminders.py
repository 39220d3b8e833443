"""Reminders: when each is due, for whom, and that it is made once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from registration.domain.reminder_times import spans
from registration.domain.reminders import make_reminders
from registration.extensions import db, writing
from registration.models import Delivery, Event, EventSession, ReminderRule
from registration.models.delivery import DeliveryKind
from registration.models.event import EventState
from registration.models.programme import SessionState
from registration.models.registration import RegistrationState as State
from tests.support.dialogue import (
    DAY,
    FIRST_START,
    LAST_END,
    MINUTE,
    SECOND_START,
    SLUG,
    change,
    load_dialogue,
    move_session,
    registration,
    take_part_by_rule,
)

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = pytest.mark.usefixtures("dialogue", "context")
QUARTER = 15 * MINUTE
HOUR = timedelta(hours=1)


@pytest.fixture
def dialogue(app: Flask) -> None:
    load_dialogue(app)


def remind(now: datetime) -> list[tuple[int, str, str]]:
    """Make what falls due; returns (registration, session, rule) of the reminders that are new."""
    before = {one.id for one in _reminders()}
    with writing():
        make_reminders(now=now)
    return [
        (one.registration_id, one.session.slug, one.rule.slug)
        for one in _reminders()
        if one.id not in before and one.session and one.rule
    ]


def _reminders() -> list[Delivery]:
    query = select(Delivery).where(Delivery.kind == DeliveryKind.REMINDER).order_by(Delivery.id)
    return list(db.session.execute(query).scalars())


@SQLITE
@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ([1440, 15], [(-1440, -15), (-15, 60)]),
        ([15, 1440], [(-15, 60), (-1440, -15)]),
        ([30], [(-30, 60)]),
        ([60, 60], [(-60, 60), (-60, 60)]),
        ([], []),
    ],
)
def test_a_reminder_is_of_use_until_the_next_is_due_or_the_session_over(
    minutes: list[int], expected: list[tuple[int, int]]
) -> None:
    """In minutes from the start of a session of one hour."""
    session = EventSession(slug="one", starts_at=FIRST_START, ends_at=FIRST_START + HOUR)
    found = spans(
        [ReminderRule(minutes_before=one, sessions=[], categories=[], languages=[]) for one in minutes], session
    )
    assert [((due - FIRST_START) / MINUTE, (until - FIRST_START) / MINUTE) for _rule, due, until in found] == expected


@SQLITE
def test_each_session_is_reminded_of_a_day_and_a_quarter_of_an_hour_before(now: datetime) -> None:
    person = take_part_by_rule(now=now)
    moments = {
        FIRST_START - DAY - MINUTE: [],
        FIRST_START - DAY: [(person, "human-rights", "day-before")],
        SECOND_START - DAY: [(person, "civil-society", "day-before")],
        FIRST_START - QUARTER: [(person, "human-rights", "quarter-hour")],
        SECOND_START - QUARTER: [(person, "civil-society", "quarter-hour")],
        LAST_END: [],
    }
    assert {moment: remind(moment) for moment in moments} == moments


def test_a_reminder_is_made_once(now: datetime) -> None:
    person = take_part_by_rule(now=now)
    assert remind(FIRST_START - DAY) == [(person, "human-rights", "day-before")]
    assert [remind(FIRST_START - DAY + minutes * MINUTE) for minutes in (0, 1, 600)] == [[], [], []]


@SQLITE
def test_a_worker_that_was_away_makes_what_is_still_of_use(now: datetime) -> None:
    person = take_part_by_rule(now=now)
    assert remind(FIRST_START - MINUTE) == [
        (person, "human-rights", "quarter-hour"),
        (person, "civil-society", "day-before"),
    ]
    assert remind(LAST_END - MINUTE) == [(person, "civil-society", "quarter-hour")]


@SQLITE
def test_after_a_session_nobody_is_reminded_of_it(now: datetime) -> None:
    take_part_by_rule(now=now)
    assert remind(LAST_END) == []


def test_only_sessions_that_a_person_chose_are_reminded_of(now: datetime) -> None:
    first = take_part_by_rule("first@example.org", now=now, sessions=["human-rights"])
    both = take_part_by_rule("both@example.org", now=now)
    assert remind(FIRST_START - DAY) == [(first, "human-rights", "day-before"), (both, "human-rights", "day-before")]
    assert remind(SECOND_START - DAY) == [(both, "civil-society", "day-before")]


@SQLITE
@pytest.mark.parametrize("state", [one for one in State if one is not State.CONFIRMED])
def test_only_the_confirmed_are_reminded(now: datetime, state: State) -> None:
    person = take_part_by_rule(now=now)
    with writing():
        registration(person).state = state
    assert remind(FIRST_START - DAY) == []


def test_who_is_confirmed_after_a_reminder_fell_due_gets_the_next_one_only(now: datetime) -> None:
    on_time = take_part_by_rule("on-time@example.org", now=FIRST_START - DAY)
    late = take_part_by_rule("late@example.org", now=FIRST_START - DAY + MINUTE)
    assert remind(FIRST_START - DAY + 2 * MINUTE) == [(on_time, "human-rights", "day-before")]
    assert remind(FIRST_START - QUARTER) == [
        (on_time, "human-rights", "quarter-hour"),
        (late, "human-rights", "quarter-hour"),
        (on_time, "civil-society", "day-before"),
        (late, "civil-society", "day-before"),
    ]


def test_a_moved_session_is_reminded_of_anew(app: Flask, now: datetime) -> None:
    person = take_part_by_rule(now=now)
    remind(FIRST_START - DAY)
    move_session(app, "human-rights", 2 * HOUR)
    assert remind(FIRST_START - DAY + HOUR) == []
    assert remind(FIRST_START - DAY + 2 * HOUR) == [(person, "human-rights", "day-before")]
    starts = [one.starts_at for one in _reminders() if one.session and one.session.slug == "human-rights"]
    assert starts == [FIRST_START, FIRST_START + 2 * HOUR]


@SQLITE
def test_a_session_moved_back_and_forth_is_not_reminded_of_twice_for_one_start(app: Flask, now: datetime) -> None:
    take_part_by_rule(now=now)
    remind(FIRST_START - DAY)
    move_session(app, "human-rights", HOUR)
    move_session(app, "human-rights", -HOUR)
    assert remind(FIRST_START - DAY + MINUTE) == []


@SQLITE
def test_a_cancelled_session_is_not_reminded_of(app: Flask, now: datetime) -> None:
    take_part_by_rule(now=now)
    change(app, EventSession, "human-rights", state=SessionState.CANCELLED)
    assert remind(FIRST_START - DAY) == []


@SQLITE
@pytest.mark.parametrize("state", [EventState.DRAFT, EventState.CANCELLED, EventState.ARCHIVED])
def test_an_event_that_is_not_published_reminds_nobody(app: Flask, now: datetime, state: EventState) -> None:
    take_part_by_rule(now=now)
    change(app, Event, SLUG, state=state)
    assert remind(FIRST_START - DAY) == []


def test_a_rule_for_some_categories_reminds_these_alone(app: Flask, now: datetime) -> None:
    young = take_part_by_rule("young@example.org", "youth", now=now)
    take_part_by_rule("women@example.org", "women-led", now=now)
    change(app, ReminderRule, "day-before", categories=["youth", "experts"])
    assert remind(FIRST_START - DAY) == [(young, "human-rights", "day-before")]


@SQLITE
@pytest.mark.parametrize("zone", ["Pacific/Chatham", "Pacific/Marquesas", "America/New_York"])
def test_a_reminder_falls_due_at_one_instant_wherever_the_person_is(now: datetime, zone: str) -> None:
    person = take_part_by_rule(now=now, zone=zone)
    assert remind(FIRST_START - DAY - MINUTE) == []
    assert remind(FIRST_START - DAY) == [(person, "human-rights", "day-before")]
