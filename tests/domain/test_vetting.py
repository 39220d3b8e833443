"""The name for vetting: apart from all else, and gone when a decision is final."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from registration.domain import decisions, participation, signup
from registration.domain.decisions import Decision, Seen
from registration.domain.personal import bound_to, open_personal
from registration.domain.vetting import vetting_name
from registration.extensions import db, keyring, writing
from registration.keys import SealError
from registration.models import Category, Event, Registration
from registration.models.event import Entry
from registration.models.organizer import Role
from registration.models.registration import RegistrationState as State
from tests.support.dialogue import AMINA, SLUG, change, load_dialogue, registrations, sign_up_by_rule
from tests.support.organizers import make_organizer

pytestmark = pytest.mark.usefixtures("dialogue", "context")
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NAME = "Amina Marked Example"


@pytest.fixture
def dialogue(app: Flask) -> None:
    load_dialogue(app)


def sign_up(now: datetime, **values: object) -> Registration:
    sign_up_by_rule(AMINA, "victims-survivors", now=now, vetting_name=NAME, **values)
    return registrations(AMINA)[-1]


def in_review(now: datetime) -> Registration:
    newest = sign_up(now)
    with writing():
        signup.prove(newest, now=now)
    return registrations(AMINA)[-1]


def decide(registration: Registration, decision: Decision, now: datetime) -> None:
    by = make_organizer("reviewer@example.org", Role.REVIEWER).id
    seen = [Seen(registration.public_id, registration.state.value)]
    with writing():
        assert decisions.decide(registration.event_id, seen, decision, "Why", by=by, now=now).done == 1


def test_it_is_sealed_apart_and_bound_to_its_own_purpose(now: datetime) -> None:
    registration = in_review(now)
    assert vetting_name(registration) == NAME
    assert NAME not in str(vars(open_personal(registration)))
    assert registration.vetting
    with pytest.raises(SealError):
        keyring.keys.open(registration.vetting, bound_to(registration.public_id))


@pytest.mark.parametrize(
    ("decision", "state"), [(Decision.APPROVE, State.CONFIRMED), (Decision.DECLINE, State.DECLINED)]
)
def test_it_goes_with_the_decision(now: datetime, decision: Decision, state: State) -> None:
    decide(in_review(now), decision, now)
    (registration,) = registrations(AMINA)
    assert (registration.state, registration.vetting, vetting_name(registration)) == (state, None, "")


def test_it_goes_when_the_person_cancels(now: datetime) -> None:
    registration = in_review(now)
    with writing():
        participation.cancel(registration, now=now)
    assert registrations(AMINA)[-1].vetting is None


def test_it_goes_at_once_where_nobody_reviews(app: Flask, now: datetime) -> None:
    change(app, Category, "victims-survivors", entry=Entry.OPEN)
    registration = in_review(now)
    assert (registration.state, registration.vetting) == (State.CONFIRMED, None)


def test_it_stays_while_somebody_waits(app: Flask, now: datetime) -> None:
    change(app, Category, "victims-survivors", places=1)
    sign_up_by_rule("other@example.org", "victims-survivors", now=now)
    with writing():
        signup.prove(registrations("other@example.org")[0], now=now)
    registration = in_review(now)
    assert (registration.state, vetting_name(registration)) == (State.WAITING, NAME)


def test_an_event_may_keep_it_until_its_clock(app: Flask, now: datetime) -> None:
    change(app, Event, SLUG, keeps_vetting_names=True)
    decide(in_review(now), Decision.APPROVE, now)
    assert vetting_name(registrations(AMINA)[0]) == NAME


def test_who_comes_back_brings_a_new_one(now: datetime) -> None:
    registration = in_review(now)
    with writing():
        participation.cancel(registration, now=now)
    sign_up_by_rule(AMINA, "victims-survivors", now=now, vetting_name="Another Example")
    with writing():
        signup.prove(registrations(AMINA)[-1], now=now)
    (back,) = registrations(AMINA)
    assert (back.state, vetting_name(back)) == (State.IN_REVIEW, "Another Example")


def test_another_name_for_vetting_is_another_sign_up(now: datetime) -> None:
    sign_up(now)
    sign_up_by_rule(AMINA, "victims-survivors", now=now, vetting_name="Another Example")
    assert [vetting_name(one) for one in registrations(AMINA)] == [NAME, "Another Example"]


@SQLITE
@pytest.mark.parametrize("answer", ["short", "long " * 4000], ids=["in its page", "over several pages"])
def test_nothing_of_it_stays_in_the_file(now: datetime, database_url: str, answer: str) -> None:
    sign_up_by_rule(AMINA, "victims-survivors", now=now, vetting_name=NAME, personal={"answers": {"work": answer}})
    with writing():
        signup.prove(registrations(AMINA)[-1], now=now)
    sealed = bytes(db.session.execute(text("SELECT vetting FROM registration")).scalar_one())
    file = Path(database_url.removeprefix("sqlite:///"))
    _checkpoint()
    assert sealed in file.read_bytes()
    decide(registrations(AMINA)[0], Decision.APPROVE, now)
    _checkpoint()
    octets = b"".join(one.read_bytes() for one in file.parent.glob(f"{file.name}*"))
    assert [part in octets for part in (sealed, sealed[-40:])] == [False, False]


def _checkpoint() -> None:
    """What SQLite does by itself from time to time."""
    db.session.rollback()
    connection = db.engine.raw_connection()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
