"""Sign-up by the rules alone: when it is open, what is the same sign-up, what a proof makes of it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask

from registration.domain import signup
from registration.domain.personal import open_personal
from registration.domain.programme import event_named
from registration.domain.proofs import PROOF_TIME
from registration.domain.signup import Window, window
from registration.errors import Refusal
from registration.extensions import writing
from registration.models import Event
from registration.models.delivery import DeliveryKind as Kind
from registration.models.event import EventState
from registration.models.registration import RegistrationState as State
from tests.support.dialogue import (
    AMINA,
    LAST_END,
    MINUTE,
    SLUG,
    load_dialogue,
    owed,
    registration,
    registrations,
    sign_up_by_rule,
    take_part_by_rule,
)

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = pytest.mark.usefixtures("dialogue", "context")
SECOND = timedelta(seconds=1)


@pytest.fixture
def dialogue(app: Flask) -> None:
    load_dialogue(app)


def prove(address: str, now: datetime, number: int = -1) -> int:
    """Press the button of one of an address's sign-ups; returns the registration's id."""
    with writing():
        return signup.prove(registrations(address)[number], now=now).id


@SQLITE
@pytest.mark.parametrize(
    ("state", "after_opening", "expected"),
    [
        (EventState.PUBLISHED, -SECOND, Window.BEFORE),
        (EventState.PUBLISHED, timedelta(), Window.OPEN),
        (EventState.DRAFT, timedelta(), Window.CLOSED),
        (EventState.CANCELLED, timedelta(), Window.CLOSED),
        (EventState.ARCHIVED, timedelta(), Window.CLOSED),
    ],
)
def test_sign_up_opens_at_its_moment_for_a_published_event(
    state: EventState, after_opening: timedelta, expected: Window
) -> None:
    event = event_named(SLUG)
    event.state = state
    assert window(event, now=event.registration_opens + after_opening) is expected


@SQLITE
@pytest.mark.parametrize(("before_closing", "expected"), [(SECOND, Window.OPEN), (timedelta(), Window.CLOSED)])
def test_sign_up_closes_at_its_moment(before_closing: timedelta, expected: Window) -> None:
    event = event_named(SLUG)
    assert window(event, now=event.registration_closes - before_closing) is expected


@SQLITE
def test_a_sign_up_outside_the_window_is_refused() -> None:
    with pytest.raises(Refusal, match="Registration is not open now"):
        sign_up_by_rule(now=LAST_END)
    assert registrations(AMINA) == []


@SQLITE
@pytest.mark.parametrize(
    "difference",
    [
        {"name": "Amina B."},
        {"category": "women-led"},
        {"sessions": ["civil-society"]},
        {"zone": "UTC"},
        {"language": "fr"},
        {"discreet": True},
        {"personal": {"needs": "Captions in Spanish"}},
    ],
)
def test_other_answers_are_another_sign_up_of_the_same_address(now: datetime, difference: dict[str, object]) -> None:
    sign_up_by_rule(now=now)
    sign_up_by_rule(now=now, **difference)
    assert len(registrations(AMINA)) == 2
    assert [kind for kind, _state in owed()] == [Kind.PROVE] * 2


def test_letters_of_either_case_are_one_address(now: datetime) -> None:
    take_part_by_rule("Amina@example.org", now=now)
    sign_up_by_rule("aMINA@example.org", name="Somebody", now=now)
    assert [one.state for one in registrations(AMINA)] == [State.CONFIRMED]
    assert [kind for kind, _state in owed()] == [Kind.PROVE, Kind.CONFIRMED, Kind.ALREADY]


def test_a_sign_up_sent_again_gets_new_time_for_its_link(now: datetime) -> None:
    sign_up_by_rule(now=now)
    sign_up_by_rule(now=now + timedelta(hours=47))
    (person,) = registrations(AMINA)
    assert person.expires_at == now + timedelta(hours=47) + PROOF_TIME
    assert [kind for kind, _state in owed()] == [Kind.PROVE] * 2


def test_what_is_not_proved_in_time_is_deleted_and_nothing_else(now: datetime) -> None:
    confirmed = take_part_by_rule("confirmed@example.org", now=now)
    sign_up_by_rule(now=now)
    sign_up_by_rule("later@example.org", now=now + MINUTE)
    with writing():
        assert signup.expire_unverified(now=now + PROOF_TIME) == 1
    assert [len(registrations(one)) for one in (AMINA, "later@example.org")] == [0, 1]
    assert registration(confirmed).state is State.CONFIRMED


@pytest.mark.parametrize("again", [True, False])
def test_a_declined_person_is_not_let_in_by_signing_up_anew(now: datetime, again: bool) -> None:
    sign_up_by_rule(name="Other answers", now=now)
    person_id = take_part_by_rule(now=now)
    with writing():
        registration(person_id).state = State.DECLINED
    if again:
        sign_up_by_rule(name="Once more", now=now + MINUTE)
    else:
        assert prove(AMINA, now, number=0) == person_id
    assert registration(person_id).state is State.DECLINED


def test_who_returns_after_cancelling_keeps_the_registration_and_loses_the_old_answers(now: datetime) -> None:
    first = take_part_by_rule(now=now, personal={"needs": "Old needs"}, discreet=True)
    with writing():
        registration(first).state = State.CANCELLED
    new = {"name": "Amina B.", "zone": "UTC", "sessions": ["civil-society"]}
    again = take_part_by_rule(category="experts", now=now + MINUTE, **new)
    person = registration(again)
    assert again == first
    assert len(registrations(AMINA)) == 1
    assert (open_personal(person).name, open_personal(person).needs) == ("Amina B.", "")
    assert (person.category.slug, person.state, person.zone, person.discreet) == (
        "experts",
        State.IN_REVIEW,
        "UTC",
        False,
    )
    assert [choice.session.slug for choice in person.choices] == ["civil-society"]


@SQLITE
def test_what_is_sealed_can_be_opened_and_the_rest_is_open_to_count(now: datetime) -> None:
    person = registration(take_part_by_rule(now=now, country="NP", personal={"answers": {"country": "NP"}}))
    assert open_personal(person).address == AMINA
    assert (person.country, person.stream_language, person.language) == ("NP", "floor", "en")
    assert (person.proved_at, person.expires_at) == (now, None)
    assert isinstance(person.event, Event)
