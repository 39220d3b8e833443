"""The tray: what was sent by forms waits sealed, is answered once, and holds nothing up."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from registration import tray
from registration.domain import erasure, submissions
from registration.domain.personal import Personal, open_personal
from registration.domain.programme import event_named
from registration.domain.proofs import PROOF_TIME
from registration.domain.signup import SignUp
from registration.extensions import db, writing
from registration.models import Category, Event, EventSession, Registration, Submission
from registration.models.delivery import DeliveryKind as Kind
from registration.models.event import EventState
from tests.support.dialogue import (
    AMINA,
    DAY,
    LAST_END,
    MINUTE,
    SLUG,
    load_dialogue,
    owed,
    registrations,
    take_part_by_rule,
)
from tests.support.erasing import forget_due

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = pytest.mark.usefixtures("dialogue", "context")
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def dialogue(app: Flask) -> None:
    load_dialogue(app)


def send(address: str = AMINA, *, name: str = "Amina", now: datetime) -> None:
    """Send the form of the youth with all sessions chosen."""
    category = next(one for one in event_named(SLUG).categories if one.slug == "youth")
    form = SignUp(
        personal=Personal(name=name, address=address, answers={"fields": ["gender", "victims"]}, captions=True),
        session_ids=tuple(one.id for one in category.event.sessions),
        language="fr",
        stream_language="floor",
        zone="Asia/Kathmandu",
        discreet=True,
    )
    with writing():
        submissions.take_sign_up(category, form, now=now)


def find(address: str = AMINA, *, now: datetime) -> None:
    with writing():
        submissions.take_find(event_named(SLUG), address, now=now)


def waiting() -> list[Submission]:
    db.session.expire_all()
    return list(db.session.execute(select(Submission).order_by(Submission.id)).scalars())


def spoil() -> None:
    """Let the newest form be one that nobody can open."""
    with writing():
        db.session.execute(update(Submission).where(Submission.id == waiting()[-1].id).values(sealed=b"k1:nothing"))


def test_all_that_was_typed_comes_through_the_tray(now: datetime) -> None:
    send(now=now)
    assert registrations(AMINA) == []
    assert tray.empty(now=now + SECOND) == 1
    (person,) = registrations(AMINA)
    personal = open_personal(person)
    assert (personal.name, personal.answers, personal.captions) == ("Amina", {"fields": ["gender", "victims"]}, True)
    assert [choice.session.slug for choice in person.choices] == ["human-rights", "civil-society"]
    assert (person.language, person.zone, person.discreet) == ("fr", "Asia/Kathmandu", True)
    assert person.created_at == now + SECOND
    assert (waiting(), owed()[0][0]) == ([], Kind.PROVE)


def test_what_waits_names_nobody(now: datetime) -> None:
    send(now=now)
    find(now=now)
    octets = b"".join(one.sealed + one.digest for one in waiting())
    assert [mark for mark in (b"Amina", AMINA.encode(), b"Kathmandu") if mark in octets] == []


def test_the_same_form_twice_is_one_and_another_is_another(now: datetime) -> None:
    for name in ("Amina", "Amina", "Amina B."):
        send(name=name, now=now)
    for address in (AMINA, AMINA.upper(), "bo@example.org"):
        find(address, now=now)
    assert [one.kind.value for one in waiting()] == ["sign_up", "sign_up", "find", "find"]
    assert tray.empty(now=now) == 4


def test_who_asks_for_a_link_gets_it_when_the_worker_comes(now: datetime) -> None:
    take_part_by_rule(now=now)
    find(now=now)
    find("nobody@example.org", now=now)
    assert owed(Kind.LINK) == []
    assert tray.empty(now=now) == 2
    assert len(owed(Kind.LINK)) == 1
    assert waiting() == []


def test_a_form_sent_before_registration_closed_is_taken_after(now: datetime) -> None:
    send(now=LAST_END - SECOND)
    tray.empty(now=LAST_END + SECOND)
    assert len(registrations(AMINA)) == 1


@pytest.mark.parametrize(
    "meanwhile",
    [{"state": EventState.CANCELLED}, {"state": EventState.ARCHIVED}, {"registration_closes": LAST_END - HOUR}],
)
def test_what_an_organizer_has_closed_meanwhile_takes_nobody(meanwhile: dict[str, object]) -> None:
    send(now=LAST_END - MINUTE)
    with writing():
        db.session.execute(update(Event).values(**meanwhile))
    assert tray.empty(now=LAST_END - MINUTE) == 1
    assert (registrations(AMINA), waiting(), owed()) == ([], [], [])


def test_what_waits_of_somebody_who_is_erased_brings_them_back_by_no_mail(now: datetime) -> None:
    """A worker that was away answers later what was sent before."""
    number = take_part_by_rule(now=now)
    send(name="Amina again", now=now)
    send(address=AMINA.upper(), now=now)
    find(now=now)
    send(address="bo@example.org", now=now)
    with writing():
        erasure.erase(db.session.get_one(Registration, number), by_link=True, now=now)
    assert tray.empty(now=now) == 1
    assert [one.leaving_since for one in registrations(AMINA)] == [now]
    assert len(registrations("bo@example.org")) == 1
    assert owed(Kind.LINK) == []


def test_a_category_that_is_gone_takes_nobody(now: datetime) -> None:
    send(now=now)
    with writing():
        category = next(one for one in event_named(SLUG).categories if one.slug == "youth")
        db.session.delete(category)
    assert tray.empty(now=now) == 1
    assert (registrations(AMINA), waiting()) == ([], [])


def test_of_sessions_that_are_gone_the_others_stay(now: datetime) -> None:
    send(now=now)
    with writing():
        db.session.execute(delete(EventSession).where(EventSession.slug == "human-rights"))
    tray.empty(now=now)
    assert [choice.session.slug for choice in registrations(AMINA)[0].choices] == ["civil-society"]


def test_without_any_session_left_nobody_is_taken(now: datetime) -> None:
    send(now=now)
    with writing():
        db.session.execute(delete(EventSession))
    assert tray.empty(now=now) == 1
    assert (registrations(AMINA), waiting()) == ([], [])


def test_what_cannot_be_answered_holds_up_no_other_and_is_put_off_for_longer_each_time(
    now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    send(now=now)
    spoil()
    send("bo@example.org", now=now)
    assert tray.empty(now=now) == 2
    assert [len(registrations(one)) for one in (AMINA, "bo@example.org")] == [0, 1]
    tried = []
    moment = now
    for _time in range(4):
        (held,) = waiting()
        tried.append((held.next_try_at - moment) / SECOND)
        assert tray.empty(now=held.next_try_at - SECOND) == 0
        moment = held.next_try_at
        assert tray.empty(now=moment) == 1
    assert tried == [10, 10, 20, 40]
    told = [(one.levelno, one.getMessage()) for one in caplog.records]
    assert told == [(logging.ERROR, "what was sent by a form cannot be answered (SealError)")] * 5


def test_what_nobody_could_answer_goes_when_a_link_would_have(now: datetime) -> None:
    send(now=now)
    spoil()
    send("bo@example.org", now=now + SECOND)
    for moment, left in ((now + PROOF_TIME - SECOND, 2), (now + PROOF_TIME, 1)):
        with writing():
            submissions.expire(now=moment)
        assert len(waiting()) == left


@SQLITE
def test_a_crowd_is_answered_in_portions(now: datetime) -> None:
    for number in range(tray.AT_ONCE + 3):
        find(f"person{number}@example.org", now=now)
    assert [tray.empty(now=now) for _sweep in range(3)] == [tray.AT_ONCE, 3, 0]


def test_it_goes_with_the_event(now: datetime) -> None:
    take_part_by_rule(now=now)
    find(now=LAST_END + 30 * DAY)
    forget_due(LAST_END + 30 * DAY)
    assert waiting() == []
    assert db.session.execute(select(Registration)).all() == []
    assert db.session.execute(select(Category)).all() != []
