"""Admission: which state follows which, the places, and the waiting list."""

from __future__ import annotations

import itertools
from datetime import datetime

import pytest
from flask import Flask

from registration.domain import admission
from registration.errors import Refusal
from registration.extensions import db, writing
from registration.keys import new_public_id
from registration.models import Category, Event, Organizer, Registration
from registration.models.delivery import DeliveryKind as Kind
from registration.models.event import Entry
from registration.models.registration import RegistrationState as State
from tests.support.dialogue import MINUTE, SLUG, change, load_dialogue, owed, registration, take_part_by_rule

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ROLES = ("approve", "decline", "cancel")


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


@pytest.fixture
def organizer(context: None, now: datetime) -> int:
    """The id of somebody who decides."""
    with writing():
        account = Organizer(public_id=new_public_id(), address_hash=b"o" * 32, sealed=b"", created_at=now)
        db.session.add(account)
        db.session.flush()
        return account.id


def people(count: int, now: datetime, category: str = "youth") -> list[int]:
    """So many sign up one minute after the other; returns their registrations' ids."""
    names = (f"person{number}-{category}@example.org" for number in itertools.count())
    return [
        take_part_by_rule(address, category, now=now + number * MINUTE)
        for number, address in zip(range(count), names, strict=False)
    ]


def states(ids: list[int]) -> list[State]:
    return [registration(one).state for one in ids]


def cancel(registration_id: int, now: datetime) -> None:
    with writing():
        person = registration(registration_id)
        admission.lock_event(person.event_id)
        admission.cancel(person, now=now)


def act(role: str, person: Registration, *, by: int, now: datetime) -> None:
    if role == "cancel":
        admission.cancel(person, now=now)
    elif role == "approve":
        admission.approve(person, by=by, now=now)
    else:
        admission.decline(person, by=by, now=now)


ALLOWED = {
    ("approve", State.IN_REVIEW): State.CONFIRMED,
    ("approve", State.WAITING): State.CONFIRMED,
    ("approve", State.DECLINED): State.CONFIRMED,
    ("decline", State.IN_REVIEW): State.DECLINED,
    ("decline", State.WAITING): State.DECLINED,
    ("decline", State.CONFIRMED): State.DECLINED,
    ("cancel", State.IN_REVIEW): State.CANCELLED,
    ("cancel", State.WAITING): State.CANCELLED,
    ("cancel", State.CONFIRMED): State.CANCELLED,
}


@SQLITE
def test_only_these_steps_can_be_taken(app: Flask, organizer: int, now: datetime) -> None:
    (person_id,) = people(1, now)
    taken = {}
    for role, state in itertools.product(ROLES, State):
        with writing():
            registration(person_id).state = state
        try:
            with writing():
                act(role, registration(person_id), by=organizer, now=now)
        except Refusal:
            assert registration(person_id).state is state
        else:
            taken[role, state] = registration(person_id).state
    assert taken == ALLOWED


@SQLITE
def test_each_step_owes_the_mail_that_tells_of_it(organizer: int, now: datetime) -> None:
    (person_id,) = people(1, now, "member-states")
    for role in ("approve", "decline", "approve", "cancel"):
        with writing():
            act(role, registration(person_id), by=organizer, now=now)
    assert [kind for kind, _state in owed()] == [
        Kind.PROVE,
        Kind.IN_REVIEW,
        Kind.CONFIRMED,
        Kind.DECLINED,
        Kind.CONFIRMED,
        Kind.CANCELLED,
    ]


@SQLITE
def test_a_decision_is_kept_with_who_took_it_and_when(organizer: int, now: datetime) -> None:
    (person_id,) = people(1, now, "member-states")
    with writing():
        admission.approve(registration(person_id), by=organizer, now=now + MINUTE)
    person = registration(person_id)
    assert (person.decided_by, person.decided_at, person.confirmed_at) == (organizer, now + MINUTE, now + MINUTE)


def test_a_category_lets_in_as_many_as_it_has_places(app: Flask, context: None, now: datetime) -> None:
    change(app, Category, "youth", places=2)
    assert states(people(3, now)) == [State.CONFIRMED, State.CONFIRMED, State.WAITING]
    assert states(people(1, now, "women-led")) == [State.CONFIRMED]


def test_an_event_lets_in_as_many_as_it_has_places(app: Flask, context: None, now: datetime) -> None:
    change(app, Event, SLUG, places=3)
    assert states([*people(2, now), *people(1, now, "women-led"), *people(1, now, "experts")]) == [
        State.CONFIRMED,
        State.CONFIRMED,
        State.CONFIRMED,
        State.WAITING,
    ]


def test_a_place_is_held_while_it_is_reviewed(app: Flask, context: None, now: datetime) -> None:
    change(app, Category, "experts", places=1)
    assert states(people(2, now, "experts")) == [State.IN_REVIEW, State.WAITING]


def test_a_place_that_comes_free_goes_to_who_has_waited_longest(app: Flask, context: None, now: datetime) -> None:
    change(app, Category, "youth", places=1)
    ids = people(4, now)
    cancel(ids[0], now)
    assert states(ids) == [State.CANCELLED, State.CONFIRMED, State.WAITING, State.WAITING]
    cancel(ids[2], now)
    assert states(ids) == [State.CANCELLED, State.CONFIRMED, State.CANCELLED, State.WAITING]
    cancel(ids[1], now)
    assert states(ids) == [State.CANCELLED, State.CANCELLED, State.CANCELLED, State.CONFIRMED]


@SQLITE
def test_who_moves_up_is_told_with_a_confirmation(app: Flask, context: None, now: datetime) -> None:
    change(app, Category, "youth", places=1)
    ids = people(2, now)
    cancel(ids[0], now + 9 * MINUTE)
    assert registration(ids[1]).confirmed_at == now + 9 * MINUTE
    assert [kind for kind, state in owed() if state == "waiting"] == [Kind.CANCELLED, Kind.CONFIRMED]


@SQLITE
def test_in_a_reviewed_category_who_moves_up_is_reviewed(app: Flask, context: None, now: datetime) -> None:
    change(app, Category, "experts", places=1)
    ids = people(2, now, "experts")
    cancel(ids[0], now)
    assert states(ids) == [State.CANCELLED, State.IN_REVIEW]


@SQLITE
def test_a_full_category_does_not_hold_up_the_others_on_the_list(app: Flask, context: None, now: datetime) -> None:
    change(app, Event, SLUG, places=2)
    change(app, Category, "youth", places=1)
    young, women = people(2, now), people(2, now + 9 * MINUTE, "women-led")
    assert states([*young, *women]) == [State.CONFIRMED, State.WAITING, State.CONFIRMED, State.WAITING]
    cancel(women[0], now)
    assert states([*young, *women]) == [State.CONFIRMED, State.WAITING, State.CANCELLED, State.CONFIRMED]


@SQLITE
def test_a_declined_persons_place_goes_to_the_next(app: Flask, organizer: int, now: datetime) -> None:
    change(app, Category, "experts", places=1)
    ids = people(2, now, "experts")
    with writing():
        admission.decline(registration(ids[0]), by=organizer, now=now)
    assert states(ids) == [State.DECLINED, State.IN_REVIEW]


def test_more_places_are_given_to_those_who_wait(app: Flask, context: None, now: datetime) -> None:
    change(app, Category, "youth", places=1)
    ids = people(4, now)
    change(app, Category, "youth", places=3)
    with writing():
        admission.fill_all(now=now)
    assert states(ids) == [State.CONFIRMED, State.CONFIRMED, State.CONFIRMED, State.WAITING]


@SQLITE
def test_nobody_is_approved_beyond_the_places(app: Flask, organizer: int, now: datetime) -> None:
    change(app, Category, "youth", places=1)
    ids = people(2, now)
    with pytest.raises(Refusal, match="No place is free: raise the number of places first"), writing():
        admission.approve(registration(ids[1]), by=organizer, now=now)
    assert states(ids) == [State.CONFIRMED, State.WAITING]


@SQLITE
def test_approving_somebody_in_review_takes_no_second_place(app: Flask, organizer: int, now: datetime) -> None:
    change(app, Category, "experts", places=1)
    ids = people(1, now, "experts")
    with writing():
        admission.approve(registration(ids[0]), by=organizer, now=now)
    assert states(ids) == [State.CONFIRMED]


@SQLITE
def test_each_category_has_its_own_line(app: Flask, context: None, now: datetime) -> None:
    change(app, Category, "youth", places=1)
    change(app, Category, "women-led", places=1)
    young, women = people(3, now), people(3, now, "women-led")
    positions = [admission.position(registration(one)) for one in (*young[1:], *women[1:])]
    assert positions == [1, 2, 1, 2]


@SQLITE
def test_where_the_event_is_full_all_stand_in_one_line(app: Flask, context: None, now: datetime) -> None:
    change(app, Event, SLUG, places=1)
    ids = [*people(2, now), *people(2, now, "women-led"), *people(2, now + MINUTE, "experts")]
    assert states(ids)[:2] == [State.CONFIRMED, State.WAITING]
    assert {ids.index(one): admission.position(registration(one)) for one in ids[1:]} == {
        2: 1,
        1: 2,
        3: 3,
        4: 4,
        5: 5,
    }


def test_the_open_and_the_reviewed_way_in_are_those_of_the_event(context: None) -> None:
    ways = {one.slug: one.entry for one in db.session.query(Category)}
    assert {slug for slug, way in ways.items() if way is Entry.OPEN} == {"youth", "women-led", "civil-society"}
