"""Forgetting: after the event and its days, personal data is gone, and numbers stay."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import func, select

from registration.domain import announcements, exports, owing, privacy, unmasking
from registration.domain.announcement_content import Content
from registration.domain.attendees import Filters
from registration.domain.event_file import import_event
from registration.domain.groups import Group
from registration.domain.programme import event_named
from registration.errors import Refusal
from registration.extensions import db, writing
from registration.keys import new_public_id
from registration.models import Announcement, Delivery, Event, Registration, SessionChoice
from registration.models.delivery import DeliveryKind
from registration.models.organizer import Role
from registration.models.registration import RegistrationState as State
from tests.support.dialogue import (
    DAY,
    LAST_END,
    MINUTE,
    SLUG,
    change,
    load_dialogue,
    registration,
    sign_up_by_rule,
    take_part_by_rule,
)
from tests.support.erasing import forget_due
from tests.support.event_files import SMALL
from tests.support.organizers import add_people, add_person, make_organizer

pytestmark = pytest.mark.usefixtures("dialogue", "context")
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FORGOTTEN_AT = LAST_END + 30 * DAY


@pytest.fixture
def dialogue(app: Flask) -> None:
    load_dialogue(app)


@pytest.fixture
def people(now: datetime) -> None:
    """Two confirmed, one of them with a mail still to leave, one cancelled, one not proved."""
    first = take_part_by_rule("first@example.org", now=now)
    with writing():
        owing.owe(registration(first), DeliveryKind.LINK, now=now)
    take_part_by_rule("second@example.org", "women-led", now=now)
    third = take_part_by_rule("third@example.org", now=now)
    with writing():
        registration(third).state = State.CANCELLED
    sign_up_by_rule("fourth@example.org", "experts", now=now)


def count(*models: type) -> list[int]:
    return [db.session.execute(select(func.count()).select_from(model)).scalar_one() for model in models]


def purge(now: datetime) -> list[tuple[str, int]]:
    return forget_due(now)


@SQLITE
def test_an_event_is_forgotten_its_days_after_its_last_session(app: Flask) -> None:
    assert privacy.forget_at(event_named(SLUG)) == FORGOTTEN_AT
    change(app, Event, SLUG, retention_days=7)
    assert privacy.forget_at(event_named(SLUG)) == LAST_END + 7 * DAY


def test_until_then_nothing_goes(people: None) -> None:
    before = count(Registration, Delivery, SessionChoice)
    assert purge(FORGOTTEN_AT - MINUTE) == []
    assert count(Registration, Delivery, SessionChoice) == before


def test_then_everything_about_people_goes_and_numbers_stay(people: None) -> None:
    assert purge(FORGOTTEN_AT) == [(SLUG, 4)]
    assert count(Registration, Delivery, SessionChoice) == [0, 0, 0]
    assert event_named(SLUG).kept_numbers == privacy.NOTHING_KEPT


def test_the_numbers_that_stay_point_at_nobody(now: datetime) -> None:
    add_people(6)
    add_person("Amina", "women-led")
    for name, category in [("Bo", "human-rights"), ("Chi", "victims-survivors")] * 3:
        add_person(f"{name} {new_public_id()}", category)
    purge(FORGOTTEN_AT)
    assert event_named(SLUG).kept_numbers == {"youth": {"confirmed": 5}, "participant": {"confirmed": 5}}


def test_forgetting_again_loses_no_numbers(people: None) -> None:
    add_people(5)
    purge(FORGOTTEN_AT)
    kept = event_named(SLUG).kept_numbers
    assert kept == {"youth": {"confirmed": 5}}
    assert purge(FORGOTTEN_AT + DAY) == []
    assert event_named(SLUG).kept_numbers == kept


def test_the_words_in_the_books_go_too_even_where_nobody_signed_up(now: datetime) -> None:
    owner = make_organizer("owner@example.org", Role.OWNER)
    with writing():
        order = exports.Order(exports.Format.CSV, reason="To ask Amina", filters=Filters(search="Amina"))
        exports.write_down(event_named(SLUG), owner, order, now=now)
        unmasking.write_down(event_named(SLUG), owner, unmasking.Sight.LIST, "To seat Amina", now=now)
        event_named(SLUG).kept_numbers = {"youth": {"confirmed": 1}}
    assert purge(FORGOTTEN_AT - MINUTE) == []
    assert purge(FORGOTTEN_AT) == [(SLUG, 0)]
    (entry,) = exports.book(event_named(SLUG))
    assert (entry.at, entry.by.id, entry.reason, entry.search) == (now, owner.id, "", "")
    (look,) = unmasking.book(event_named(SLUG))
    assert (look.at, look.by.id, look.reason, look.what) == (now, owner.id, "", unmasking.Sight.LIST)
    assert event_named(SLUG).kept_numbers == {"youth": {"confirmed": 1}}
    assert purge(FORGOTTEN_AT + DAY) == []


def test_announcements_go_with_the_people_they_may_name(people: None, now: datetime) -> None:
    by = make_organizer("owner@example.org", Role.OWNER).id
    words = Content({"en": "Amina"}, {"en": "Amina speaks first."}, Group())
    with writing():
        announcements.draft(event_named(SLUG), words, by=by, now=now)
    purge(FORGOTTEN_AT - MINUTE)
    assert count(Announcement) == [1]
    purge(FORGOTTEN_AT)
    assert count(Announcement, Delivery) == [0, 0]
    with pytest.raises(Refusal, match="nobody is left to write to"), writing():
        announcements.draft(event_named(SLUG), words, by=by, now=FORGOTTEN_AT)
    assert purge(FORGOTTEN_AT + DAY) == []


@SQLITE
def test_people_of_other_events_stay(people: None, now: datetime) -> None:
    with writing():
        other = import_event(SMALL, now=now).event
        change_event = registration(1)
        change_event.event_id, change_event.category_id = other.id, other.categories[0].id
    assert purge(FORGOTTEN_AT) == [(SLUG, 3)]
    assert count(Registration) == [1]


def test_nobody_can_sign_up_for_an_event_after_it_is_forgotten(people: None) -> None:
    purge(FORGOTTEN_AT)
    assert event_named(SLUG).registration_closes <= FORGOTTEN_AT
