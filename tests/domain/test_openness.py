"""What is said of places: free, few or none left, and never how many."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask

from registration.domain import openness
from registration.domain.openness import Openness
from registration.domain.programme import event_named
from registration.extensions import db, writing
from registration.models.registration import RegistrationState as State
from tests.support.dialogue import LAST_END, SLUG, load_dialogue, registration, sign_up_by_rule, take_part_by_rule

FREE, FEW, FULL = Openness


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ([], FREE),
        ([(0, 200)], FREE),
        ([(179, 200)], FREE),
        ([(180, 200)], FEW),
        ([(199, 200)], FEW),
        ([(200, 200)], FULL),
        ([(201, 200)], FULL),
        ([(14, 20)], FREE),
        ([(15, 20)], FEW),
        ([(0, 5)], FEW),
        ([(1, 100), (300, 1000)], FREE),
        ([(1, 100), (900, 1000)], FEW),
        ([(96, 100), (0, 1000)], FEW),
        ([(96, 100), (1000, 1000)], FULL),
        ([(100, 100), (0, 1000)], FULL),
    ],
)
def test_few_are_a_tenth_or_five_of_the_category_or_the_event(limits: list[tuple[int, int]], said: Openness) -> None:
    assert openness.openness(limits) is said


@pytest.fixture
def limited(app: Flask) -> None:
    """The Dialogue with six places for the youth and none limited otherwise; what pages say is up to date."""
    load_dialogue(app)
    with app.app_context(), writing():
        event = event_named(SLUG)
        for category in event.categories:
            category.places = 6 if category.slug == "youth" else None


def tell(now: datetime) -> dict[str, str]:
    """What is new to say, once it is said."""
    stale = openness.stale(now=now)
    with writing():
        for event_id, said in stale.items():
            openness.say(event_id, said)
    assert openness.stale(now=now) == {}
    return event_named(SLUG).openness


@pytest.mark.usefixtures("limited", "context")
def test_only_who_holds_a_place_changes_what_is_said(now: datetime) -> None:
    version = event_named(SLUG).version
    for number in range(6):
        sign_up_by_rule(f"unproved{number}@example.org", now=now)
    assert (tell(now), event_named(SLUG).version) == ({}, version)
    people = [take_part_by_rule(f"person{number}@example.org", now=now) for number in range(6)]
    assert (tell(now), event_named(SLUG).version) == ({"youth": "full"}, version + 1)
    with writing():
        registration(people[0]).state = State.CANCELLED
    assert (tell(now), event_named(SLUG).version) == ({"youth": "few"}, version + 2)
    with writing():
        for one in people:
            db.session.delete(registration(one))
    assert tell(now) == {}


@pytest.mark.usefixtures("limited", "context")
def test_a_limit_that_is_gone_leaves_nothing_to_say(now: datetime) -> None:
    for number in range(2):
        take_part_by_rule(f"person{number}@example.org", now=now)
    assert tell(now) == {"youth": "few"}
    with writing():
        for category in event_named(SLUG).categories:
            category.places = None
    assert tell(now) == {}


@pytest.mark.usefixtures("limited", "context")
def test_when_registration_is_closed_nothing_changes_any_more(now: datetime) -> None:
    for number in range(2):
        take_part_by_rule(f"person{number}@example.org", now=now)
    assert openness.stale(now=LAST_END) == {}
