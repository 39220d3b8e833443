"""The world in which the access matrix is asked: two events, and somebody for every subject with what they hold."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

import pyotp
from bs4 import BeautifulSoup
from flask import Flask, session
from flask.testing import FlaskClient
from flask_wtf.csrf import generate_csrf
from sqlalchemy import Select, Table, delete, insert, select, update
from werkzeug.test import TestResponse

from config import ROOT
from registration import clock
from registration.domain import accounts, announcements, desk_sessions, revisions, second_factor, stopped
from registration.domain.announcement_content import Content
from registration.domain.event_file import import_event
from registration.domain.exports import Order, write_down
from registration.domain.groups import Group
from registration.domain.link_keys import LinkKind, key_for
from registration.domain.personal import address_hash
from registration.domain.programme import event_named, session_called
from registration.domain.tables import Format
from registration.domain.vetting import sealed_vetting
from registration.extensions import Base, db, limiter, writing
from registration.models import (
    Delivery,
    Organizer,
    OrganizerSession,
    Registration,
    ReminderRule,
    Stream,
)
from registration.models.delivery import DeliveryKind, DeliveryState
from registration.models.organizer import Role
from registration.models.programme import Audience, StreamKind
from registration.models.registration import RegistrationState as State
from tests.support.access_matrix import ALL, EDITING, LISTING, SIGNED_IN, VETTING, Outcome, Row, Subject
from tests.support.dialogue import SLUG, load_dialogue, registrations, sign_up_by_rule, take_part_by_rule
from tests.support.organizers import add_person, make_organizer, set_password
from tests.support.pages import Page

ELSEWHERE = "elsewhere"
WRONG = "A" * 22
"""What looks like a public id, and is nobody's."""
DAY = timedelta(days=1)
S = Subject
ROLES = {
    S.VIEWER: Role.VIEWER,
    S.REVIEWER: Role.REVIEWER,
    S.EXPORTER: Role.EXPORTER,
    S.EDITOR: Role.EDITOR,
    S.OWNER: Role.OWNER,
    S.DISABLED: Role.OWNER,
    S.EXPIRED: Role.OWNER,
}
SECRETS: dict[str, frozenset[Subject]] = {
    "Amina": LISTING | {S.PARTICIPANT},
    "amina@example.org": LISTING | {S.PARTICIPANT},
    "Rana": LISTING,
    "rana@example.org": LISTING,
    "Bo Example": LISTING | {S.UNPROVED},
    "Hana": frozenset({S.PARTICIPANT_ELSEWHERE, S.OWNER_ELSEWHERE, S.ADMINISTRATOR}),
    "Rana Example-Vetted": VETTING,
    "For the badges": LISTING,
    "Words of a draft": EDITING,
    "rooms.example.org": EDITING | {S.PARTICIPANT},
}
"""Words that stand in the database, and who may be shown them by any page of the event."""


class Keeper(Protocol):
    """Puts a database back to what it was."""

    def was_changed(self) -> bool:
        """Whether anything has been kept since it was last put back."""

    def put_back(self) -> None:
        """Put it back."""

    def keep(self) -> None:
        """Keep it as it is now."""


@dataclass
class Answer:
    """What came back, and whether anything was kept."""

    response: TestResponse
    kept: bool

    @property
    def body(self) -> str:
        """What it says, without the token that is new each second."""
        return without_token(self.response)


@dataclass
class World:
    """The application with the two events. `ids` fill the braces of a row; `elsewhere` has those of the other event,
    and `missing` such as nobody has."""

    app: Flask
    ids: dict[str, str] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    keys: dict[Subject, str] = field(default_factory=dict)
    names: dict[Subject, str] = field(default_factory=dict)
    app_codes: dict[Subject, str] = field(default_factory=dict)
    """What the authenticator app shows to those who have begun to set up a second factor."""
    cookies: dict[Subject, str] = field(default_factory=dict)
    csrf_token: str = ""
    keeper: Keeper | None = None
    forget: Callable[[], None] = lambda: None
    filled: dict[str, dict[str, str]] = field(default_factory=dict)

    def fill(self, written: str, subject: Subject, **others: str) -> str:
        """Put ids in the place of the names in braces, as somebody would who has this in hand."""
        own_ids = self.elsewhere if subject is S.PARTICIPANT_ELSEWHERE else self.ids
        held = {
            "key": self.keys[subject],
            "name": self.names.get(subject, ""),
            "app_code": self.app_codes.get(subject, ""),
            "own_session": own_ids["session"],
        }
        return written.format(**{**self.ids, **held, **others})

    def ask(
        self, row: Row, subject: Subject, *, method: str = "", token: bool = True, query: str = "", **others: str
    ) -> Answer:
        """Ask for a row as somebody. Afterwards everything is as it was. `others`: ids in place of the right ones."""
        method = method or row.method
        fields = {name: self.fill(value, subject, **others) for name, value in row.fields.items()}
        data = {**self.form_of(row), **fields} if row.method == "POST" else {}
        if token and method not in ("GET", "HEAD", "OPTIONS"):
            data["csrf_token"] = self.csrf_token
        return self.open(self.fill(row.path, subject, **others) + query, subject, method, data)

    def open(self, path: str, subject: Subject, method: str = "GET", data: Mapping[str, str] | None = None) -> Answer:
        """Ask for an address as somebody. Afterwards everything is as it was."""
        assert self.keeper
        client = FlaskClient(self.app, self.app.response_class, use_cookies=False)
        response = client.open(
            path,
            method=method,
            data=data or None,
            base_url=self.app.config["PUBLIC_URL"],
            headers={"Cookie": self.cookies[subject]},
        )
        response.get_data()
        kept = self.keeper.was_changed()
        if kept:
            self.keeper.put_back()
            self.forget()
        limiter.reset()
        return Answer(response, kept)

    def form_of(self, row: Row) -> dict[str, str]:
        """What a browser would send of the form that a row names, filled in as its page shows it to an owner."""
        if row.of and row.name not in self.filled:
            page = Page(self.open(self.fill(row.of, S.OWNER), S.OWNER).response)
            own = f'main form[action="{self.fill(row.path, S.OWNER)}"]'
            found = page.form(own if page.all(own) else "main form.session-form")
            self.filled[row.name] = {name: one for name, one in found.values.items() if one and name != "csrf_token"}
        return self.filled.get(row.name, {})

    def outcome(self, row: Row, subject: Subject, answer: Answer) -> str:
        """What came of asking: an Outcome, or in other words what is not to be."""
        response = answer.response
        location, status = response.headers.get("Location", ""), response.status_code
        right, leads = self.fill(row.shows, subject), row.shows.startswith("→")
        shown = location.startswith(right[1:]) if leads else status == 200 and _has(response, right)
        if shown and answer.kept == row.keeps:
            return Outcome.ALLOWED
        if status == 303 and location.startswith("/organizer/sign-in/"):
            found: str = Outcome.SIGN_IN
        else:
            told = {404: Outcome.HIDDEN, 403: Outcome.FORBIDDEN, 405: Outcome.NO_METHOD}
            found = told.get(status) or f"{status} {location} {_faults(answer.body)}"
        return f"{found}, and something was kept" if answer.kept else found

    def leaks(self, subject: Subject, answer: Answer) -> set[str]:
        """The secrets in an answer that are not for whoever asked."""
        body = answer.response.get_data(as_text=True)
        return {secret for secret, known_to in SECRETS.items() if subject not in known_to and secret in body}


def without_token(response: TestResponse) -> str:
    """The body of an answer without what is new each second."""
    body = response.get_data(as_text=True)
    for part in body.split('name="csrf_token" value="')[1:]:
        body = body.replace(part.partition('"')[0], "")
    return body


def _has(response: TestResponse, words: str) -> bool:
    return response.request.method == "HEAD" or words in response.get_data(as_text=True)


def make_world(app: Flask, keeper: Callable[[Flask], Keeper], forget: Callable[[], None]) -> World:
    """Fill an empty database, and keep it as it is then."""
    world = World(app, forget=forget)
    load_dialogue(app, invitations=True)
    with app.app_context():
        _add_elsewhere()
        _add_people(world)
        _add_organizers(world)
        _add_mail(world)
        _move_a_session()
    _add_cookies(world)
    world.missing = {name: "999999" if one.isdigit() else "no-such-thing" for name, one in world.ids.items()}
    world.missing |= dict.fromkeys(("person", "stopped", "code"), WRONG) | {"key": "A" * 44}
    world.keeper = keeper(app)
    return world


def _add_elsewhere() -> None:
    """Another event, whose sessions, categories and reminders are called by names of their own."""
    with writing():
        sample = (ROOT / "examples" / "dialogue-2021.yaml").read_bytes()
        import_event(sample, as_slug=ELSEWHERE, shift_to="2026-06-09", now=clock.now())
    with writing():
        other = event_named(ELSEWHERE)
        for one in (*other.sessions, *other.categories, *other.reminder_rules):
            one.slug = f"{one.slug}-elsewhere"
        other.version += 1
        room = Stream(
            slug="room",
            position=9,
            categories=[],
            kind=StreamKind.LIVE,
            audience=Audience.CONFIRMED,
            language="floor",
            label={},
            url="https://rooms.example.org/4711",
        )
        here = session_called(event_named(SLUG), "human-rights")
        here.streams.append(room)


def _add_people(world: World) -> None:
    now = clock.now()
    take_part_by_rule(now=now, name="Amina")
    sign_up_by_rule("bo@example.org", now=now, name="Bo Example")
    chosen = {"sessions": ("human-rights",)}
    rana = add_person("Rana", "victims-survivors", State.IN_REVIEW, address="rana@example.org", **chosen)
    with writing():
        reviewed = db.session.scalars(select(Registration).where(Registration.public_id == rana)).one()
        reviewed.vetting = sealed_vetting("Rana Example-Vetted", rana)
    dan = add_person("Dan", address="dan@example.org", **chosen)
    hana = add_person("Hana", address="hana@example.org", **chosen)
    with writing():
        other = event_named(ELSEWHERE)
        person = db.session.scalars(select(Registration).where(Registration.public_id == hana)).one()
        person.event_id = other.id
        person.category_id = next(one.id for one in other.categories if one.slug.startswith("youth"))
        person.state = State.IN_REVIEW
        for one in person.choices:
            one.session_id = session_called(other, "human-rights-elsewhere").id
        for address in ("dan@example.org", "hana@example.org"):
            stopped.stop(address_hash(address), "5.1.1", now=now)
    amina, bo = registrations("amina@example.org")[0], registrations("bo@example.org")[0]
    world.names = {S.PARTICIPANT: "Amina", S.UNPROVED: "Bo Example", S.PARTICIPANT_ELSEWHERE: "Hana"}
    world.keys = dict.fromkeys(ALL, amina.public_id + WRONG) | {
        S.UNPROVED: key_for(bo, LinkKind.PROVE),
        S.PARTICIPANT: key_for(amina, LinkKind.MANAGE),
        S.PARTICIPANT_ELSEWHERE: key_for(person, LinkKind.MANAGE),
        S.FEED_HOLDER: key_for(amina, LinkKind.FEED),
        S.STOP_HOLDER: key_for(amina, LinkKind.UNSUBSCRIBE),
    }
    for ids, found, event, suffix in (
        (world.ids, rana, event_named(SLUG), ""),
        (world.elsewhere, hana, other, "-elsewhere"),
    ):
        ids |= {
            "event": event.slug,
            "person": found,
            "stopped": hana if suffix else dan,
            "session": f"human-rights{suffix}",
            "moved": f"civil-society{suffix}",
            "category": f"youth{suffix}",
            "code": session_called(event, f"human-rights{suffix}").code,
        }


def _add_organizers(world: World) -> None:
    make_organizer("door@example.org", Role.VIEWER)
    for subject, role in ROLES.items():
        make_organizer(_address(subject), role)
    make_organizer(_address(S.OWNER_ELSEWHERE), Role.OWNER, event=ELSEWHERE)
    make_organizer(_address(S.ADMINISTRATOR), Role.OWNER, event=None)
    invited = make_organizer("new@example.org", Role.OWNER)
    world.keys[S.INVITED] = accounts.password_key(invited)
    roleless = make_organizer(_address(S.WITHOUT_ROLE), Role.OWNER)
    with writing():
        roleless.roles.clear()
    for address in ("door@example.org", *(_address(subject) for subject in SIGNED_IN)):
        set_password(address)
    with writing():
        owner = _account(S.OWNER)
        write_down(event_named(SLUG), owner, Order(Format.CSV, reason="For the badges"), now=clock.now() - DAY)


def _add_mail(world: World) -> None:
    """Announcements and reminders in each state, and one mail that failed of each kind."""
    now, owner = clock.now(), _account(S.OWNER).id
    with writing():
        for ids, slug in ((world.ids, SLUG), (world.elsewhere, ELSEWHERE)):
            event = event_named(slug)
            suffix = "" if slug == SLUG else "-elsewhere"
            for name, send_at in (("draft", None), ("leaving", now + DAY), ("sent", now - DAY)):
                words = "Words of a draft" if name != "sent" and not suffix else "Words for all"
                at_risk = () if name != "leaving" or suffix else ("victims-survivors",)
                group = Group(states=(State.CONFIRMED,), categories=at_risk)
                written = Content({"en": "Subject"}, {"en": words}, group)
                made = announcements.draft(event, written, by=owner, now=now)
                made.send_at, made.made_at = send_at, send_at if name == "sent" else None
                ids[name] = str(made.id)
            first = next(one for one in event.reminder_rules if one.slug.startswith("day-before"))
            first.paused = True
            ids |= {"rule": f"quarter-hour{suffix}", "paused": f"day-before{suffix}", "made": f"at-hour{suffix}"}
            event.reminder_rules.append(ReminderRule(slug=ids["made"], minutes_before=60, categories=[]))
            event.version += 1
        db.session.flush()
        amina = registrations("amina@example.org")[0]
        for ids, public_id in ((world.ids, world.ids["person"]), (world.elsewhere, world.elsewhere["person"])):
            person = db.session.scalars(select(Registration).where(Registration.public_id == public_id)).one()
            ids["mail"] = str(_failed(person, DeliveryKind.IN_REVIEW).id)
        rule = db.session.scalars(select(ReminderRule).where(ReminderRule.slug == "at-hour")).one()
        first_session = session_called(event_named(SLUG), "human-rights")
        _failed(amina, DeliveryKind.ANNOUNCEMENT, announcement_id=int(world.ids["sent"]))
        _failed(
            amina,
            DeliveryKind.REMINDER,
            session_id=first_session.id,
            rule_id=rule.id,
            starts_at=first_session.starts_at,
        )


def _failed(person: Registration, kind: DeliveryKind, **values: Any) -> Delivery:
    now = clock.now()
    made = Delivery(
        key=f"{kind}/{person.public_id}/{kind}",
        kind=kind,
        registration_id=person.id,
        state=DeliveryState.FAILED,
        due_at=now - DAY,
        next_try_at=now - DAY,
        settled_at=now - DAY,
        useful_until=now + 200 * DAY,
        **values,
    )
    db.session.add(made)
    db.session.flush()
    return made


def _move_a_session() -> None:
    """What Amina holds of the second session is old now."""
    with writing():
        moved = session_called(event_named(SLUG), "civil-society")
        for name in ("starts_at", "ends_at", "starts_wall", "ends_wall"):
            setattr(moved, name, getattr(moved, name) + timedelta(hours=1))
        revisions.revise(moved, now=clock.now())
        moved.event.version += 1


def _add_cookies(world: World) -> None:
    """A session of this site for everybody, with a token that is good, so that nobody is refused for want of one."""
    app = world.app
    with app.test_request_context():
        world.csrf_token = generate_csrf()
        raw = session["csrf_token"]
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    for subject in Subject:
        token = _session_of(app, subject, world.app_codes)
        held = {"csrf_token": raw, **({"_user_id": token, "_fresh": True} if token else {})}
        if subject is S.INVITED:
            held["link_key"] = world.keys[subject]
        cookie = f"{app.config['SESSION_COOKIE_NAME']}={serializer.dumps(held)}"
        if subject in (S.PARTICIPANT, S.PARTICIPANT_ELSEWHERE):
            cookie += f"; __Host-my={world.keys[subject]}"
        world.cookies[subject] = cookie


def _session_of(app: Flask, subject: Subject, app_codes: dict[Subject, str]) -> str | None:
    """Start a session for an organizer, in which a second factor was begun; one is over, and the account of one was
    disabled without ending it."""
    with app.app_context():
        organizer = db.session.scalar(
            select(Organizer).where(Organizer.address_hash == address_hash(_address(subject)))
        )
        if organizer is None:
            return None
        with writing():
            token = desk_sessions.start(organizer, now=clock.now())
            db.session.flush()
            mine = desk_sessions.with_token(token, now=clock.now())
            if mine is not None:
                second_factor.begin(mine, now=clock.now())
                app_codes[subject] = pyotp.TOTP(second_factor.pending_secret(mine, now=clock.now())).at(clock.now())
            organizer.disabled = subject is S.DISABLED
            if subject is S.EXPIRED:
                db.session.flush()
                over = clock.now() - timedelta(minutes=30)
                mine = OrganizerSession.organizer_id == organizer.id
                db.session.execute(update(OrganizerSession).where(mine).values(seen_at=over))
        return token


def _address(subject: Subject) -> str:
    return f"{subject.name.lower().replace('_', '-')}@example.org"


def _account(subject: Subject) -> Organizer:
    return accounts.organizer_with(_address(subject))


@dataclass
class SqliteKeeper:
    """Keeps a database's file: looking whether anything was written costs next to nothing."""

    live: sqlite3.Connection
    kept: sqlite3.Connection
    version: int = 0

    def keep(self) -> None:
        """Take a copy of its pages."""
        self.live.backup(self.kept)
        self.was_changed()

    def was_changed(self) -> bool:
        """Whether another connection has committed anything (SQLite's `data_version`)."""
        before, (self.version,) = self.version, self.live.execute("PRAGMA data_version").fetchone()
        return before != self.version

    def put_back(self) -> None:
        """Write the pages as they were."""
        self.kept.backup(self.live)


@contextmanager
def sqlite_keeper(path: str) -> Iterator[Callable[[Flask], Keeper]]:
    """Give what keeps the database in a file."""
    with closing(sqlite3.connect(path, timeout=15)) as live, closing(sqlite3.connect(":memory:")) as kept:

        def keep(_app: Flask) -> Keeper:
            keeper = SqliteKeeper(live, kept)
            keeper.keep()
            return keeper

        yield keep


class RowsKeeper:
    """Keeps all rows of a database, of whatever make."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.keep()

    def keep(self) -> None:
        """Read them."""
        self.rows = self._read()

    def was_changed(self) -> bool:
        """Whether any row is different."""
        return self._read() != self.rows

    def put_back(self) -> None:
        """Put in the rows as they were."""
        with self.app.app_context(), writing():
            for table in reversed(Base.metadata.sorted_tables):
                db.session.execute(delete(table))
            for table in Base.metadata.sorted_tables:
                if rows := self.rows[table.name]:
                    db.session.execute(insert(table), rows)

    def _read(self) -> dict[str, list[dict[str, Any]]]:
        with self.app.app_context():
            return {
                table.name: [dict(row) for row in db.session.execute(_in_order(table)).mappings()]
                for table in Base.metadata.sorted_tables
            }


def _in_order(table: Table) -> Select[Any]:
    return select(table).order_by(*table.primary_key)


def _faults(body: str) -> str:
    """What a page says is wrong, for whoever reads a failure."""
    page = BeautifulSoup(body, "html.parser")
    return " | ".join(" ".join(one.get_text().split()) for one in page.select("h1, .error, [role=alert]"))
