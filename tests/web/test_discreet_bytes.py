"""Every byte that leaves for somebody in discreet mode: no word of the event, its organizers, themes or slugs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from registration import clock as app_clock
from registration.domain import admission, announcements, participation, revisions
from registration.domain.announcement_content import Content
from registration.domain.groups import Group
from registration.domain.participation import Wishes, current_wishes
from registration.domain.programme import event_named
from registration.extensions import db, writing
from registration.models import Event, EventSession, Registration
from registration.models.organizer import Role
from registration.models.programme import SessionState
from registration.models.registration import RegistrationState
from registration.models.types import Texts
from registration.web.display import LANGUAGES
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import (
    AMINA,
    FIRST_START,
    MINUTE,
    SLUG,
    answers,
    cancel_session,
    change,
    load_dialogue,
    move_session,
    prove,
    work,
)
from tests.support.organizers import make_organizer
from tests.support.smtp import MailServer

TELLING = "Zqxjvkw"
"""Begins every word of the event, so that one search finds them all; too long to stand in a random key."""
EVENT = "zqxjvkw-event"

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def telling(what: str) -> Texts:
    return {language: f"{TELLING}{what} {TELLING}{language}" for language in LANGUAGES}


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def amina(app: Flask, client: Client, smtp: MailServer, language: str) -> Client:
    """A discreet participant of an event all of whose words can be told from any other."""
    load_dialogue(app, invitations=True)
    name_all(app)
    typed = answers(discreet="y", sessions=["zqxjvkw-0", "zqxjvkw-1"])
    assert client.post(f"/events/{EVENT}/register/youth/?lang={language}", data=typed).status_code == 303
    work(app)
    assert prove(client, smtp).status_code == 303
    return client


def name_all(app: Flask) -> None:
    with app.app_context(), writing():
        event = db.session.execute(select(Event).where(Event.slug == SLUG)).scalar_one()
        event.slug, event.version = EVENT, event.version + 1
        for name in ("title", "summary", "audience", "place", "background", "sender_name", "privacy_notice"):
            setattr(event, name, telling(name))
        event.organizers = [
            {"name": telling("organizer"), "short": f"{TELLING}O", "url": "https://zqxjvkw.example.org"}
        ]
        event.contacts = [{"name": f"{TELLING}contact", "address": "zqxjvkw@example.org"}]
        event.hashtag, event.place_url = "#ZqxjvkwTag", "https://zqxjvkw.example.org/place"
        event.organizer_address = "zqxjvkw@example.org"
        event.press_release, event.outlook, event.links = {}, [], []
        for number, session in enumerate(event.sessions):
            session.slug = f"zqxjvkw-{number}"
            session.title, session.theme, session.description = telling("title"), telling("theme"), telling("text")
            for stream in session.streams:
                stream.url, stream.label = f"https://zqxjvkw.example.org/{number}", telling("stream")
            for item in session.items:
                item.title = telling("item")
            revisions.revise(session, now=app_clock.now())
            session.notice_at = None
        for category in event.categories:
            category.label = telling("category")


def later(app: Flask, clock: FakeClock, by: timedelta = 10 * MINUTE) -> None:
    clock.advance(by)
    work(app)


def wish(app: Flask, clock: FakeClock, **wishes: Any) -> None:
    with app.app_context(), writing():
        one = person()
        participation.change(one, Wishes(**{**vars(current_wishes(one)), **wishes}), now=clock.now)


def person() -> Registration:
    query = select(Registration).where(Registration.state != RegistrationState.UNVERIFIED)
    return db.session.execute(query).scalar_one()


def leaks(octets: bytes) -> list[str]:
    """Where a word of the event stands in what was sent, in any letters' case."""
    text = octets.decode(errors="replace")
    unfolded = text.replace("\r\n ", "").replace("=\r\n", "").casefold()
    return [unfolded[max(0, at - 40) : at + 40] for at in places(unfolded)]


def places(text: str) -> Iterator[int]:
    at = text.find(TELLING.casefold())
    while at >= 0:
        yield at
        at = text.find(TELLING.casefold(), at + 1)


def leaks_in_mails(smtp: MailServer) -> list[str]:
    """In the octets as sent, and in headers and parts as a mail program decodes them."""
    found = []
    for mail in smtp.mails:
        found += leaks(mail.octets)
        found += leaks("\n".join(f"{name}: {value}" for name, value in mail.message.items()).encode())
        for part in mail.message.walk():
            if not part.is_multipart():
                found += leaks(part.get_payload(decode=True) or b"") + leaks(str(part.get_filename()).encode())
    return found


def test_no_mail_of_a_whole_life_says_a_word_of_the_event(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    work(app)
    amina.post(f"/events/{EVENT}/register/youth/", data=answers(sessions=["zqxjvkw-0"]))
    amina.post(f"/events/{EVENT}/find/", data={"address": AMINA})
    later(app, clock, timedelta(hours=1))
    move_session(app, "zqxjvkw-0", timedelta(minutes=30))
    later(app, clock)
    cancel_session(app, "zqxjvkw-1")
    later(app, clock)
    change(app, EventSession, "zqxjvkw-1", state=SessionState.SCHEDULED)
    later(app, clock)
    add_a_session(app, clock)
    later(app, clock)
    wish(app, clock, neutral_title="Yoga")
    later(app, clock)
    wish(app, clock, invitations=False)
    later(app, clock)
    move_session(app, "zqxjvkw-0", timedelta(minutes=30))
    later(app, clock)
    for before in (timedelta(days=1), timedelta(minutes=15)):
        clock.advance(FIRST_START + timedelta(hours=1) - before - clock.now)
        work(app)
    with app.app_context(), writing():
        participation.cancel(person(), now=clock.now)
    work(app)
    kinds = {mail.subject.partition(":")[0] for mail in smtp.mails}
    assert len(smtp.mails) >= 17
    assert len(kinds) >= 8
    assert leaks_in_mails(smtp) == []


def test_the_search_finds_the_words_in_the_mails_of_others(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    work(app)
    smtp.clear()
    wish(app, clock, discreet=False)
    work(app)
    kinds = ["invitation" if mail.invitation else "letter" for mail in smtp.mails if leaks(mail.octets)]
    assert sorted(kinds) == ["invitation", "invitation", "letter"]


def test_a_declined_person_reads_no_word_of_it_either(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer
) -> None:
    work(app)
    with app.app_context():
        by = make_organizer("desk@example.org", Role.OWNER, event=EVENT).id
        with writing():
            admission.decline(person(), by=by, now=clock.now)
    work(app)
    assert {mail.invitation["METHOD"] for mail in smtp.mails if mail.invitation} == {"REQUEST", "CANCEL"}
    assert leaks_in_mails(smtp) == []


def test_what_organizers_announce_says_no_word_in_the_mail_and_all_on_the_own_page(
    app: Flask, amina: Client, clock: FakeClock, smtp: MailServer, language: str
) -> None:
    work(app)
    with app.app_context():
        by = make_organizer("desk@example.org", Role.OWNER, event=EVENT).id
        with writing():
            words = telling("said")
            content = Content(words, {tag: f"{text} {{event}} {{event_page}}" for tag, text in words.items()}, Group())
            draft = announcements.draft(event_named(EVENT), content, by=by, now=clock.now)
            announcements.send(draft, seen=announcements.mark(draft), now=clock.now)
    smtp.clear()
    later(app, clock, announcements.TAKE_BACK)
    assert len(smtp.mails) == 1
    assert leaks_in_mails(smtp) == []
    assert amina.page("/my/").texts(".message h3") == [words[language]]


def test_feed_and_file_say_no_word_of_it(app: Flask, amina: Client, clock: FakeClock) -> None:
    work(app)
    page = amina.get("/my/").text
    feed = next(part for part in page.split('"') if "/feeds/" in part and part.startswith("http"))
    files = [part for part in page.split('"') if part.startswith("/my/sessions/")]
    paths = ["/feeds/" + feed.partition("/feeds/")[2], *files]
    fetched = [amina.get(path) for path in paths]
    assert [one.status_code for one in fetched] == [200, 200, 200]
    told = [path.encode() + one.data + str(one.headers).encode() for path, one in zip(paths, fetched, strict=True)]
    assert [leaks(one) for one in told] == [[], [], []]


def add_a_session(app: Flask, clock: FakeClock) -> None:
    with app.app_context(), writing():
        event = db.session.execute(select(Event).where(Event.slug == EVENT)).scalar_one()
        like = event.sessions[1]
        new = EventSession(
            slug="zqxjvkw-2",
            code="neutral123",
            title=telling("title"),
            theme=telling("theme"),
            description={},
            documents=[],
            starts_wall=like.starts_wall + timedelta(days=1),
            ends_wall=like.ends_wall + timedelta(days=1),
            starts_at=like.starts_at + timedelta(days=1),
            ends_at=like.ends_at + timedelta(days=1),
            revision=0,
            state=SessionState.SCHEDULED,
            created_at=clock.now,
            updated_at=clock.now,
        )
        event.sessions.append(new)
        event.version += 1
        revisions.add(new, now=clock.now)
