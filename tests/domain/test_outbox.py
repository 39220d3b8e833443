"""The outbox: claimed with a lease, read again before it is sent, settled one by one."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from registration.domain import message_ids, outbox, owing
from registration.domain.outbox import LEASE, TRIES_OF_US, Outcome, wait_after
from registration.domain.owed import still_owed
from registration.domain.reminders import make_reminders
from registration.extensions import db, writing
from registration.models import Delivery, Event, EventSession
from registration.models.delivery import DeliveryKind as Kind
from registration.models.delivery import DeliveryState
from registration.models.event import EventState
from registration.models.programme import SessionState
from registration.models.registration import RegistrationState as State
from tests.support.dialogue import (
    AMINA,
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
    sign_up_by_rule,
    take_part_by_rule,
)

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = pytest.mark.usefixtures("dialogue", "context")
SENT = Outcome(sent=True, code=250)


@pytest.fixture
def dialogue(app: Flask) -> None:
    load_dialogue(app)


def claim(owner: str, now: datetime, limit: int = 50) -> list[list[int]]:
    with writing():
        return outbox.claim(owner=owner, limit=limit, now=now)


def settle(ids: list[int], outcome: Outcome, owner: str, now: datetime) -> None:
    with writing():
        outbox.settle(ids, outcome, owner=owner, now=now)


def owe(person_id: int, kind: Kind, now: datetime, **more: datetime) -> None:
    with writing():
        owing.owe(registration(person_id), kind, now=now, **more)


def delivery(delivery_id: int) -> Delivery:
    return db.session.get_one(Delivery, delivery_id, populate_existing=True)


def kinds(mails: list[list[int]]) -> list[list[Kind]]:
    return [[delivery(one).kind for one in mail] for mail in mails]


def test_what_one_worker_has_claimed_no_other_gets(now: datetime) -> None:
    for number in range(3):
        sign_up_by_rule(f"person{number}@example.org", now=now)
    first, second, third = claim("one", now, limit=2), claim("two", now), claim("three", now)
    assert (len(first), len(second), third) == (2, 1, [])
    assert not {mail[0] for mail in first} & {mail[0] for mail in second}


def test_a_worker_that_died_loses_what_it_had_after_its_lease(now: datetime) -> None:
    sign_up_by_rule(now=now)
    taken = claim("dead", now)
    assert claim("next", now + LEASE - MINUTE) == []
    assert claim("next", now + LEASE) == taken


def test_who_lost_the_lease_can_settle_nothing(now: datetime) -> None:
    sign_up_by_rule(now=now)
    ((one,),) = claim("slow", now)
    claim("next", now + LEASE)
    settle([one], SENT, "slow", now + LEASE)
    with writing():
        outbox.drop([one], owner="slow", now=now)
        outbox.release(owner="slow")
    assert (delivery(one).state, delivery(one).claimed_by) == (DeliveryState.WAITING, "next")
    assert still_owed(one, owner="slow", now=now) is None


@SQLITE
def test_what_is_given_back_can_be_claimed_at_once(now: datetime) -> None:
    sign_up_by_rule(now=now)
    taken = claim("one", now)
    with writing():
        outbox.release(owner="one")
    assert claim("two", now) == taken


def test_a_mail_that_left_is_settled(now: datetime) -> None:
    sign_up_by_rule(now=now)
    ((one,),) = claim("one", now)
    settle([one], SENT, "one", now + MINUTE)
    mail = delivery(one)
    assert (mail.state, mail.tries, mail.reply_code, mail.settled_at) == (DeliveryState.SENT, 1, 250, now + MINUTE)
    assert (mail.claimed_by, mail.claimed_until) == (None, None)
    assert claim("two", now + DAY) == []


@pytest.mark.parametrize("code", [421, 450, 451, 452, None])
def test_a_mail_refused_for_now_is_tried_again_later(now: datetime, code: int | None) -> None:
    sign_up_by_rule(now=now)
    ((one,),) = claim("one", now)
    settle([one], Outcome(sent=False, code=code), "one", now)
    mail = delivery(one)
    assert (mail.state, mail.tries, mail.reply_code) == (DeliveryState.WAITING, 1, code)
    assert claim("two", now + timedelta(seconds=47)) == []
    assert claim("two", now + timedelta(seconds=73)) == [[one]]


@SQLITE
@pytest.mark.parametrize("code", [500, 550, 552, 554])
def test_a_mail_refused_for_good_is_not_tried_again(now: datetime, code: int) -> None:
    sign_up_by_rule(now=now)
    ((one,),) = claim("one", now)
    settle([one], Outcome(sent=False, code=code), "one", now)
    assert (delivery(one).state, delivery(one).reply_code) == (DeliveryState.FAILED, code)
    assert claim("two", now + DAY) == []


@SQLITE
def test_links_that_people_wait_for_leave_before_all_else(now: datetime) -> None:
    person = take_part_by_rule(now=now)
    owe(person, Kind.CHANGED, now)
    owe(person, Kind.LINK, now + MINUTE)
    sign_up_by_rule("new@example.org", now=now + 2 * MINUTE)
    assert kinds(claim("one", now + 3 * MINUTE)) == [[Kind.LINK], [Kind.PROVE], [Kind.CHANGED]]


def test_reminders_due_together_are_one_mail_for_each_person(now: datetime) -> None:
    both = take_part_by_rule("both@example.org", now=now)
    one = take_part_by_rule("one@example.org", now=now, sessions=["civil-society"])
    with writing():
        make_reminders(now=FIRST_START - 10 * MINUTE)
    mails = claim("one", FIRST_START, limit=1) + claim("one", FIRST_START)
    assert kinds(mails[:1]) == [[Kind.REMINDER, Kind.REMINDER]]
    assert {(delivery(mail[0]).registration_id, len(mail)) for mail in mails} == {(both, 2), (one, 1)}


@SQLITE
def test_a_mail_past_its_use_is_not_sent(now: datetime) -> None:
    person = take_part_by_rule(now=now)
    owe(person, Kind.LINK, now, useful_until=now + MINUTE)
    ((one,),) = claim("one", now)
    assert still_owed(one, owner="one", now=now) is not None
    assert still_owed(one, owner="one", now=now + MINUTE) is None


@SQLITE
def test_what_has_no_end_of_its_own_is_of_use_until_a_day_after_the_event(now: datetime) -> None:
    person = take_part_by_rule(now=now)
    owe(person, Kind.LINK, now)
    ((one,),) = claim("one", now)
    assert delivery(one).useful_until == LAST_END + DAY


@SQLITE
@pytest.mark.parametrize(
    ("kind", "states"),
    [
        (Kind.CONFIRMED, {State.CONFIRMED}),
        (Kind.IN_REVIEW, {State.IN_REVIEW}),
        (Kind.WAITING, {State.WAITING}),
        (Kind.DECLINED, {State.DECLINED}),
        (Kind.CANCELLED, {State.CANCELLED}),
        (Kind.CHANGED, {State.IN_REVIEW, State.WAITING, State.CONFIRMED}),
        (Kind.LINK, set(State)),
        (Kind.ALREADY, set(State)),
    ],
)
def test_a_mail_is_owed_while_what_it_says_is_true(now: datetime, kind: Kind, states: set[State]) -> None:
    person = take_part_by_rule(now=now)
    owe(person, kind, now)
    ((one,),) = claim("one", now)
    owed_in = set()
    for state in State:
        with writing():
            registration(person).state = state
        if still_owed(one, owner="one", now=now):
            owed_in.add(state)
    assert owed_in == states


def _cancel_event(app: Flask) -> None:
    change(app, Event, SLUG, state=EventState.CANCELLED)


def _cancel_session(app: Flask) -> None:
    change(app, EventSession, "civil-society", state=SessionState.CANCELLED)


def _move_session(app: Flask) -> None:
    move_session(app, "civil-society", 30 * MINUTE)


def _leave_session(_app: Flask) -> None:
    with writing():
        person = registration(1)
        person.choices = [one for one in person.choices if one.session.slug != "civil-society"]


def _cancel_registration(_app: Flask) -> None:
    with writing():
        registration(1).state = State.CANCELLED


def _erase(_app: Flask) -> None:
    with writing():
        db.session.delete(registration(1))


@pytest.mark.parametrize(
    "happen", [_cancel_event, _cancel_session, _move_session, _leave_session, _cancel_registration, _erase]
)
def test_a_claimed_reminder_is_not_sent_once_its_reason_is_gone(app: Flask, now: datetime, happen) -> None:
    assert take_part_by_rule(now=now) == 1
    due = SECOND_START - 10 * MINUTE
    with writing():
        make_reminders(now=due)
    ((one,),) = claim("one", due)
    assert still_owed(one, owner="one", now=due) is not None
    db.session.rollback()
    happen(app)
    assert still_owed(one, owner="one", now=due) is None


def test_a_message_id_is_the_same_in_every_try_and_tells_nothing(now: datetime) -> None:
    person = take_part_by_rule(now=now)
    owe(person, Kind.LINK, now)
    ((one,),) = claim("one", now)
    first = message_ids.message_id([delivery(one)], "events.example.org")
    settle([one], Outcome(sent=False, code=450), "one", now)
    again = message_ids.message_id([delivery(one)], "events.example.org")
    assert first == again
    digest, _, domain = first.strip("<>").partition("@")
    assert (len(digest), set(digest) <= set("0123456789abcdef"), domain) == (32, True, "events.example.org")


@SQLITE
def test_mails_of_one_kind_to_one_person_have_different_message_ids(now: datetime) -> None:
    person = take_part_by_rule(now=now)
    for _time in range(3):
        owe(person, Kind.LINK, now)
    ids = {message_ids.message_id([delivery(mail[0])], "example.org") for mail in claim("one", now)}
    assert len(ids) == 3


@SQLITE
def test_somebody_counts_as_told_for_ten_minutes(now: datetime) -> None:
    person = take_part_by_rule(AMINA, now=now)
    owe(person, Kind.LINK, now)
    told = [
        owing.told_lately(registration(person), (Kind.ALREADY, Kind.LINK), now=now + minutes * MINUTE)
        for minutes in (0, 9, 10)
    ]
    assert told == [True, True, False]


@SQLITE
@given(st.integers(1, 100_000))
def test_waits_double_to_ten_minutes_and_after_an_hour_to_an_hour_give_or_take_a_fifth(tries: int) -> None:
    minutes = dict(enumerate([1, 2, 4, 8, 10, 10, 10, 10, 20, 40], start=1)).get(tries, 60)
    assert 0.8 * minutes * MINUTE <= wait_after(tries) <= 1.2 * minutes * MINUTE


def test_a_refusal_that_may_be_of_us_is_believed_only_when_it_lasts(now: datetime) -> None:
    """A relay that is set wrong says so for each recipient anew; that must not fail a whole event's mail."""
    person = take_part_by_rule(now=now)
    owe(person, Kind.LINK, now)
    denied = Outcome(sent=False, code=554, status="5.7.1")
    states = []
    while not states or states[-1] is DeliveryState.WAITING:
        now += DAY / 24
        ((held,),) = claim("one", now)
        settle([held], denied, "one", now)
        states.append(delivery(held).state)
    assert states == [DeliveryState.WAITING] * (TRIES_OF_US - 1) + [DeliveryState.FAILED]
