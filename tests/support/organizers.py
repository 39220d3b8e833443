"""Organizers at their desk, and people on their lists."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from flask import Flask
from sqlalchemy import select

from registration import clock
from registration.domain import accounts, desk_sessions, passwords
from registration.domain.personal import Personal, address_hash, sealed
from registration.domain.programme import event_named
from registration.domain.vetting import sealed_vetting
from registration.extensions import db, writing
from registration.keys import new_public_id
from registration.models import Category, EventSession, Organizer, OrganizerSession, Registration, SessionChoice
from registration.models.organizer import Role
from registration.models.registration import PROVED
from registration.models.registration import RegistrationState as State
from tests.support.client import Client
from tests.support.dialogue import SLUG

PASSWORD = "seven lanterns under water"
DESK = f"/organizer/events/{SLUG}/"
LIST = f"{DESK}attendees/"
EXPORT = f"{DESK}export/"


def make_organizer(address: str, *roles: Role, event: str | None = SLUG) -> Organizer:
    """An account with these roles on an event, or on all; in the application's context."""
    with writing():
        found = event_named(event) if event else None
        for role in roles:
            organizer = accounts.add_organizer(address, role, found, now=clock.now())
    return organizer


def set_password(address: str, password: str = PASSWORD) -> None:
    """Give an account its password; in the application's context."""
    password_hash = passwords.hash_of(password, address)
    with writing():
        accounts.set_password(accounts.organizer_with(address), password_hash)


def at_desk(app: Flask, *roles: Role, event: str | None = SLUG, address: str | None = None) -> Client:
    """A new visitor who has just signed in as an organizer with these roles, without the cost of a password."""
    client = app.test_client()
    assert isinstance(client, Client)
    with app.app_context():
        organizer = make_organizer(address or f"{'-'.join(roles)}@example.org", *roles, event=event)
        with writing():
            token = desk_sessions.start(organizer, now=clock.now())
    with client.session_transaction(base_url=client.public_url) as session:
        session["_user_id"] = token
    return client


def started_session(organizer: Organizer, *, now: datetime) -> OrganizerSession:
    """A session of an account, as signing in starts it; within a unit of work."""
    token = desk_sessions.start(organizer, now=now)
    db.session.flush()
    found = desk_sessions.with_token(token, now=now)
    assert found is not None
    return found


def unmask(desk: Client, reason: str = "To seat them") -> Client:
    """Let an owner name the categories at risk, as they do for a while on the list."""
    desk.submit(desk.page(LIST).form("form[action$=unmask]"), why=reason)
    return desk


def add_person(name: str = "Amina", category: str = "youth", state: State = State.CONFIRMED, **values: Any) -> str:
    """Somebody on the list of the Dialogue; in the application's context. `values`: of Registration and Personal,
    `sessions` (slugs) and `vetting_name`. Returns the public id."""
    with writing():
        person = _person(name, category, state, **values)
        db.session.add(person)
    return person.public_id


def add_people(count: int, **values: Any) -> None:
    """So many people, named Person 000, Person 001 and so on; in the application's context."""
    with writing():
        db.session.add_all([_person(f"Person {number:03}", **values) for number in range(count)])


def _person(
    name: str, category: str = "youth", state: State = State.CONFIRMED, sessions: tuple[str, ...] = (), **values: Any
) -> Registration:
    fields = {field: values.pop(field) for field in tuple(values) if field in Personal.__dataclass_fields__}
    address = fields.pop("address", f"{hashlib.sha256(name.encode()).hexdigest()[:12]}@example.org")
    public_id, now = new_public_id(), clock.now()
    vetting = sealed_vetting(values.pop("vetting_name", ""), public_id)
    event = event_named(SLUG)
    return Registration(
        public_id=public_id,
        event_id=event.id,
        category_id=db.session.scalars(
            select(Category.id).where(Category.event_id == event.id, Category.slug == category)
        ).one(),
        address_hash=address_hash(address),
        claim=PROVED,
        state=state,
        sealed=sealed(Personal(name=name, address=address, **fields), public_id),
        vetting=vetting,
        waiting_since=now if state is State.WAITING else None,
        choices=[
            SessionChoice(session_id=one)
            for one in db.session.scalars(select(EventSession.id).where(EventSession.slug.in_(sessions)))
        ],
        **{
            "language": "en",
            "stream_language": "floor",
            "zone": "Asia/Kathmandu",
            "confirmed_at": now if state is State.CONFIRMED else None,
            "created_at": now,
            "updated_at": now,
            **values,
        },
    )
