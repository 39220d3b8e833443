"""Accounts of organizers by the rules alone: what is kept, and how long a try takes."""

from __future__ import annotations

import statistics
import time
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from registration.domain import accounts, desk_sessions
from registration.errors import NotFound, Refusal
from registration.extensions import db, writing
from registration.models import Organizer, OrganizerRole, OrganizerSession
from registration.models.organizer import Role
from tests.support.clock import START, FakeClock
from tests.support.dialogue import SLUG, load_dialogue
from tests.support.organizers import PASSWORD, make_organizer, set_password

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OWNER = "Owner@Example.org"


@pytest.fixture
def organizer(app: Flask, context: None) -> Organizer:
    load_dialogue(app)
    return make_organizer(OWNER, Role.OWNER)


def roles() -> list[tuple[Role, bool]]:
    """(role, whether on one event) of everybody."""
    return [(one.role, one.event_id is not None) for one in db.session.scalars(select(OrganizerRole))]


def test_an_address_is_one_account_however_it_is_spelt(organizer: Organizer) -> None:
    again = make_organizer(" owner@example.ORG ", Role.OWNER)
    assert again.id == organizer.id
    assert roles() == [(Role.OWNER, True)]


def test_adding_again_adds_the_role(organizer: Organizer) -> None:
    make_organizer(OWNER, Role.VIEWER, event=None)
    make_organizer(OWNER, Role.VIEWER, event=None)
    assert sorted(roles()) == [(Role.OWNER, True), (Role.VIEWER, False)]


@SQLITE
def test_adding_again_after_a_password_gives_a_new_link(organizer: Organizer, now: datetime) -> None:
    first = accounts.password_key(organizer)
    set_password(OWNER)
    make_organizer(OWNER, Role.OWNER)
    with pytest.raises(NotFound):
        accounts.organizer_of_key(first, now=now)
    assert accounts.organizer_of_key(accounts.password_key(organizer), now=now).id == organizer.id


@SQLITE
def test_a_new_link_does_not_bring_a_late_one_back(organizer: Organizer, clock: FakeClock) -> None:
    late = accounts.password_key(organizer)
    clock.advance(timedelta(days=1))
    make_organizer(OWNER, Role.VIEWER)
    with pytest.raises(NotFound):
        accounts.organizer_of_key(late, now=clock.now)
    assert accounts.organizer_of_key(accounts.password_key(organizer), now=clock.now).id == organizer.id


def test_what_is_no_address_gets_no_account(context: None, now: datetime) -> None:
    with pytest.raises(Refusal, match="This is not a mail address"), writing():
        accounts.add_organizer("owner", Role.OWNER, None, now=now)


def test_neither_address_nor_password_nor_token_stands_in_the_database(organizer: Organizer, now: datetime) -> None:
    set_password(OWNER)
    with writing():
        token = desk_sessions.start(organizer, now=now)
    rows = [
        str(row)
        for table in ("organizer", "organizer_session")
        for row in db.session.execute(text(f"SELECT * FROM {table}"))
    ]
    assert len(rows) == 2
    assert not [secret for secret in ("example.org", PASSWORD, token) for row in rows if secret.lower() in row.lower()]
    assert accounts.address_of(organizer) == "Owner@example.org"


def test_a_token_is_good_for_its_session_alone(organizer: Organizer, now: datetime) -> None:
    with writing():
        token = desk_sessions.start(organizer, now=now)
    found = desk_sessions.with_token(token, now=now)
    assert found is not None
    assert found.organizer_id == organizer.id
    assert desk_sessions.with_token(token.swapcase(), now=now) is None
    assert desk_sessions.with_token("", now=now) is None


@SQLITE
@pytest.mark.parametrize(("idle", "age", "good"), [(29, 29, True), (30, 30, False), (1, 479, True), (1, 480, False)])
def test_a_session_is_good_for_half_an_hour_idle_and_eight_in_all(
    organizer: Organizer, now: datetime, idle: int, age: int, good: bool
) -> None:
    with writing():
        token = desk_sessions.start(organizer, now=now - timedelta(minutes=age))
    with writing():
        db.session.scalars(select(OrganizerSession)).one().seen_at = now - timedelta(minutes=idle)
    assert (desk_sessions.with_token(token, now=now) is not None) is good


@SQLITE
def test_passwords_are_kept_as_argon2id(organizer: Organizer) -> None:
    set_password(OWNER)
    assert str(organizer.password_hash).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@SQLITE
def test_an_unknown_address_takes_the_time_of_a_known_one(organizer: Organizer) -> None:
    set_password(OWNER)
    seconds: dict[str, list[float]] = {OWNER: [], "nobody@example.org": []}
    for address in [*seconds] * 15:
        begun = time.perf_counter()
        with pytest.raises(Refusal):
            accounts.check_sign_in(address, "not the password", "", now=START)
        seconds[address].append(time.perf_counter() - begun)
    known, unknown = (min(times) for times in seconds.values())
    assert statistics.fmean((known, unknown)) > 0.005
    assert abs(known - unknown) < 0.5 * known


@SQLITE
@pytest.mark.parametrize("password", ["\ud800" * 12, "a" * 100_000, "\x00" * 12])
def test_a_password_nobody_can_type_is_a_wrong_one(organizer: Organizer, password: str) -> None:
    set_password(OWNER)
    with pytest.raises(Refusal, match="Address, password and code do not fit"):
        accounts.check_sign_in(OWNER, password, "", now=START)


@pytest.mark.parametrize("address", ["\x00@example.org", "\ud800@example.org", "a@b@c", "x" * 300 + "@example.org", ""])
def test_an_address_that_is_none_is_a_wrong_one(organizer: Organizer, address: str) -> None:
    with pytest.raises(Refusal, match="Address, password and code do not fit"):
        accounts.check_sign_in(address, PASSWORD, "", now=START)


@SQLITE
def test_a_disabled_account_is_not_found(organizer: Organizer, now: datetime) -> None:
    key = accounts.password_key(organizer)
    with writing():
        organizer.disabled = True
    with pytest.raises(NotFound):
        accounts.organizer_with(OWNER)
    with pytest.raises(NotFound):
        accounts.organizer_of_key(key, now=now)


def test_an_event_that_goes_takes_its_roles_along(organizer: Organizer) -> None:
    with writing():
        db.session.execute(text("DELETE FROM event WHERE slug = :slug"), {"slug": SLUG})
    assert roles() == []
