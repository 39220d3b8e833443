"""The Dialogue, upcoming, and people who sign up for it: by form, mail and link, or by the rules alone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytz
from flask import Flask, has_app_context
from sqlalchemy import insert, select, text, update
from werkzeug.test import TestResponse

from config import ROOT
from registration import clock, tray, worker
from registration.domain import invitations, notices, revisions, signup
from registration.domain.event_file import import_event
from registration.domain.personal import Personal, address_hash
from registration.domain.programme import event_named
from registration.extensions import Base, db, writing
from registration.models import Category, Delivery, Event, EventSession, Registration, Submission
from registration.models.delivery import DeliveryKind, DeliveryState
from registration.models.programme import SessionState
from registration.models.registration import RegistrationState
from tests.support.client import Client
from tests.support.smtp import MailServer, ReceivedMail

SLUG = "dialogue-next"
EVENT = f"/events/{SLUG}/"
REGISTER = f"{EVENT}register/"
FIND = f"{EVENT}find/"
SESSIONS = ["human-rights", "civil-society"]
FIRST_START = datetime(2026, 5, 26, 14, 0, tzinfo=pytz.utc)
SECOND_START = datetime(2026, 5, 27, 13, 0, tzinfo=pytz.utc)
LAST_END = datetime(2026, 5, 27, 16, 30, tzinfo=pytz.utc)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)

AMINA = "amina@example.org"
ANSWERS: dict[str, Any] = {
    "name": "Amina",
    "address": AMINA,
    "sessions": SESSIONS,
    "stream_language": "floor",
    "zone": "Asia/Kathmandu",
    "consent": "y",
}
OWN_ANSWERS = {
    "human-rights": {"vetting_name": "Amina Example"},
    "victims-survivors": {"vetting_name": "Amina Example"},
    "women-led": {"question_organization": "Example Women", "question_country": "NP"},
    "member-states": {"question_organization": "Mission of Example", "question_country": "NP"},
    "experts": {"question_organization": "Institute of Example"},
}
"""What the required questions of a category are answered with, where it has some."""

_loaded: dict[str, list[dict[str, Any]]] = {}


def load_dialogue(app: Flask, *, invitations: bool = False) -> None:
    """Load examples/dialogue-2021.yaml as `dialogue-next`, open for sign-up; with calendar files in place of
    invitations, unless these are asked for."""
    with app.app_context(), writing():
        _load()
        db.session.execute(update(Event).where(Event.slug == SLUG).values(invitations=invitations))


def _load() -> None:
    """Into an empty database the rows are copied from the first test that loaded them: reading the file costs more
    than most tests."""
    empty = not any(_rows().values())
    if empty and _loaded:
        _insert_loaded()
    else:
        sample = (ROOT / "examples" / "dialogue-2021.yaml").read_bytes()
        import_event(sample, as_slug=SLUG, shift_to="2026-05-26", now=clock.now())
        db.session.flush()
        if empty:
            _loaded.update(_rows())


def _rows() -> dict[str, list[dict[str, Any]]]:
    tables = Base.metadata.sorted_tables
    return {table.name: [dict(row) for row in db.session.execute(select(table)).mappings()] for table in tables}


def _insert_loaded() -> None:
    for table in Base.metadata.sorted_tables:
        if rows := _loaded[table.name]:
            db.session.execute(insert(table), rows)
            if db.engine.dialect.name == "postgresql" and "id" in table.columns:
                sequence = f"pg_get_serial_sequence('{table}', 'id')"
                db.session.execute(text(f"SELECT setval({sequence}, max(id)) FROM {table}"))


def change(app: Flask, model: type[Base], slug: str, **values: Any) -> None:
    """Change a row of the Dialogue (its Event, an EventSession, a Category) as an organizer would.

    Without values only what is kept of the event in memory becomes stale.
    """
    with app.app_context(), writing():
        if values:
            row = db.session.execute(select(model).where(model.slug == slug)).scalar_one()  # type: ignore[attr-defined]
            for name, value in values.items():
                setattr(row, name, value)
            for session in _revised_by(row, values):
                revisions.revise(session, now=clock.now())
        db.session.execute(update(Event).where(Event.slug == SLUG).values(version=Event.version + 1))
    if has_app_context():
        db.session.rollback()  # The test's own session reads anew.


def _revised_by(row: Base, values: dict[str, Any]) -> list[EventSession]:
    """The sessions whose entries and mails the change is about."""
    if isinstance(row, EventSession) and values.keys() & {"title", "starts_at", "state"}:
        return [row]
    return row.sessions if isinstance(row, Event) and values.keys() & {"title", "state"} else []


def move_session(app: Flask, slug: str, by: timedelta) -> None:
    """Move a session in time."""
    with app.app_context():
        session = db.session.execute(select(EventSession).where(EventSession.slug == slug)).scalar_one()
        names = ("starts_at", "ends_at", "starts_wall", "ends_wall")
        moved = {name: getattr(session, name) + by for name in names}
    change(app, EventSession, slug, **moved)


def cancel_session(app: Flask, slug: str) -> None:
    """Cancel a session."""
    change(app, EventSession, slug, state=SessionState.CANCELLED)


def answers(category: str = "youth", **values: Any) -> dict[str, Any]:
    """What somebody types into the form of a category; `values` in place of Amina's."""
    return {**ANSWERS, **OWN_ANSWERS.get(category, {}), **values}


def sign_up(client: Client, category: str = "youth", **values: Any) -> TestResponse:
    """Send the filled form of a category, and answer with what came back; the worker has taken it in hand, and has sent
    no mail."""
    response = client.post(f"{REGISTER}{category}/", data=answers(category, **values))
    empty_tray(client.application)
    return response


def empty_tray(app: Flask) -> int:
    """Let the worker answer what was sent by forms, all of it and without sending mail; answers how many there were."""
    with app.app_context():
        count = tray.empty(now=clock.now())
        put_off = select(Submission.id).where(Submission.next_try_at > Submission.created_at)
        assert db.session.execute(put_off).all() == []
        return count


def work(app: Flask) -> int:
    """Let the worker do all that is due; answers how many mails it tried."""
    with app.app_context():
        return worker.run_once()


def link_in(mail: ReceivedMail, start: str) -> str:
    """The path of the only link in a mail whose path starts with `start`."""
    found = {path for link in re.findall(r"https?://\S+", mail.text) if (path := urlsplit(link).path).startswith(start)}
    assert len(found) == 1, f"{len(found)} links to {start} in:\n{mail.text}"
    return found.pop()


def prove(client: Client, smtp: MailServer, address: str = AMINA) -> TestResponse:
    """Press the button behind the link in the newest mail to an address."""
    return client.post(link_in(smtp.last_to(address), "/prove/"))


def take_part(client: Client, smtp: MailServer, category: str = "youth", **values: Any) -> ReceivedMail:
    """Sign somebody up the whole way; `client` has their own page open then. Answers with the mail that says how their
    registration stands; invitations may have come after it."""
    address = values.get("address", AMINA)
    assert sign_up(client, category, **values).status_code == 303
    work(client.application)
    assert prove(client, smtp, address).status_code == 303
    work(client.application)
    return smtp.last_letter_to(address)


def rows(app: Flask) -> list[tuple[str, RegistrationState]]:
    """(category, state) of all registrations, the oldest first, when all that was sent by forms is answered."""
    empty_tray(app)
    with app.app_context():
        query = select(Category.slug, Registration.state).join(Registration.category).order_by(Registration.id)
        return [(slug, state) for slug, state in db.session.execute(query)]


# By the rules alone, in the application's context.


def sign_up_by_rule(address: str = AMINA, category: str = "youth", *, now: datetime, **values: Any) -> None:
    """Sign somebody up in a unit of work of its own. `values`: of Personal and SignUp."""
    event = event_named(SLUG)
    wanted = values.pop("sessions", SESSIONS)
    name = values.pop("name", address.partition("@")[0])
    form = signup.SignUp(
        personal=Personal(name=name, address=address, **values.pop("personal", {})),
        session_ids=tuple(one.id for one in event.sessions if one.slug in wanted),
        **{"language": "en", "stream_language": "floor", "zone": "Asia/Kathmandu", **values},
    )
    with writing():
        found = next(one for one in event_named(SLUG).categories if one.slug == category)
        signup.sign_up(found, form, now=now)


def take_part_by_rule(address: str = AMINA, category: str = "youth", *, now: datetime, **values: Any) -> int:
    """Sign somebody up and prove the address; returns the registration's id. All mails that follow count as sent."""
    sign_up_by_rule(address, category, now=now, **values)
    with writing():
        newest = registrations(address)[-1]
        registration = signup.prove(newest, now=now)
        db.session.flush()
        registration_id = registration.id
        db.session.execute(
            update(Delivery)
            .where(Delivery.registration_id == registration_id)
            .values(state=DeliveryState.SENT, settled_at=now)
        )
        invited = [(notice, one) for one in registration.invitations_held if (notice := invitations.notice_for(one))]
        told = [invitations.told_by(notice, one) for notice, one in invited]
        invitations.note([*told, *invitations.told_by_registration_mail(registration)], now=now)
    return registration_id


def tell_all(*, now: datetime) -> int:
    """Owe the notices whose time has come; in a unit of work. Answers of how many sessions."""
    sessions = notices.due_sessions(now=now)
    for session_id in sessions:
        notices.tell(session_id, now=now)
    return len(sessions)


def registrations(address: str) -> list[Registration]:
    """All registrations of an address, the oldest first."""
    query = select(Registration).where(Registration.address_hash == address_hash(address)).order_by(Registration.id)
    return list(db.session.execute(query).scalars())


def registration(registration_id: int) -> Registration:
    """The row as it stands."""
    return db.session.get_one(Registration, registration_id, populate_existing=True)


def owed(*kinds: DeliveryKind) -> list[tuple[DeliveryKind, DeliveryState]]:
    """(kind, state) of all deliveries, or of these kinds, by age."""
    query = select(Delivery.kind, Delivery.state).order_by(Delivery.id)
    found = [(kind, state) for kind, state in db.session.execute(query)]
    return [one for one in found if not kinds or one[0] in kinds]
