"""Looks at what is masked: who may, and for how long one stays open."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask

from registration.domain import unmasking
from registration.domain.programme import event_named
from registration.errors import Refusal
from registration.extensions import db, writing
from registration.models import Event
from registration.models.organizer import Role
from registration.models.unmasking import Sight
from tests.support.dialogue import SLUG, load_dialogue
from tests.support.organizers import make_organizer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WHY = "To seat them"
MAY = {
    Sight.LIST: {Role.OWNER},
    Sight.CATEGORY: {Role.OWNER, Role.REVIEWER},
    Sight.VETTING_NAME: {Role.OWNER, Role.REVIEWER},
}


@pytest.fixture
def event(app: Flask, context: None) -> Event:
    load_dialogue(app)
    return event_named(SLUG)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("what", Sight)
def test_a_look_is_for_the_roles_of_the_table(event: Event, now: datetime, role: Role, what: Sight) -> None:
    organizer = make_organizer("desk@example.org", role)
    if role in MAY[what]:
        with writing():
            unmasking.write_down(event, organizer, what, WHY, now=now)
    else:
        with pytest.raises(Refusal, match="ask an owner"), writing():
            unmasking.write_down(event, organizer, what, WHY, now=now)
    assert len(unmasking.book(event)) == (role in MAY[what])


def test_a_look_at_the_list_ends_with_its_time_and_with_the_role(event: Event, now: datetime) -> None:
    owner = make_organizer("owner@example.org", Role.OWNER)
    with writing():
        look = unmasking.write_down(event, owner, Sight.LIST, WHY, now=now).public_id
    ends = now + timedelta(minutes=15)
    assert unmasking.open_until(look, event, owner, now=ends - timedelta(seconds=1)) == ends
    assert unmasking.open_until(look, event, owner, now=ends) is None
    with writing():
        owner.roles[0].role = Role.EDITOR
    db.session.refresh(owner)
    assert unmasking.open_until(look, event, owner, now=now) is None
