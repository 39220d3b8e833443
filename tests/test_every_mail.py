"""What holds for every mail, of every kind, with the longest texts there can be: what large receivers ask for, and
what keeps readers unobserved."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from email import policy
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import select

from registration import clock as app_clock
from registration import worker
from registration.domain import participation, revisions
from registration.domain.owed import STATE_TOLD, UNSUBSCRIBABLE
from registration.domain.personal import open_personal, seal_into
from registration.domain.programme import session_called
from registration.extensions import db, writing
from registration.mail.letters import WRITERS
from registration.models import Announcement, Delivery, Event, EventSession, Registration, Stream
from registration.models.delivery import DeliveryKind as Kind
from registration.models.organizer import Role
from registration.models.programme import Audience, SessionState, StreamKind
from registration.models.registration import RegistrationState as State
from tests.support.clock import START, FakeClock
from tests.support.dialogue import (
    AMINA,
    DAY,
    SLUG,
    cancel_session,
    change,
    load_dialogue,
    move_session,
    registrations,
    take_part_by_rule,
    work,
)
from tests.support.organizers import make_organizer
from tests.support.smtp import MailServer, ReceivedMail

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
IN_ARABIC = pytest.mark.parametrize("language", ["ar"])

PUBLIC_URL = "https://events.example.org"
STREAM_URL = "https://streams.example.org/" + "s" * 470
TEAM = "team@example.org"
ROOM_URL = "https://rooms.example.org/" + "r" * 470
WIDEST = {"en": "W", "ar": "ش", "es": "ñ", "fr": "é", "ru": "Щ", "zh": "议"}
SESSIONS = 8
MOST_OCTETS = 30 * 1024
MOST_IN_LINE = 998
GATHERED = timedelta(minutes=10)
Named = dict[str, ReceivedMail]


@pytest.fixture
def mails(app: Flask, smtp: MailServer, clock: FakeClock, language: str) -> Named:
    """A mail of every kind to Amina, by its kind; those about invitations by what has happened too."""
    load_dialogue(app, invitations=True)
    with app.app_context():
        with writing():
            lengthen(db.session.execute(select(Event).where(Event.slug == SLUG)).scalar_one(), language)
        chosen = [f"more-{number}" for number in range(SESSIONS)]
        take_part_by_rule(AMINA, now=clock.now, sessions=chosen, language=language, name="N" * 200)
        with writing():
            one = amina()
            seal_into(one, replace(open_personal(one), reason=WIDEST[language] * 2000))
    of_sessions = about_invitations(app, smtp, clock)
    kinds = sorted(WRITERS.keys() - {Kind.INVITATION}, key=[Kind.ADDED, Kind.FAREWELL].count)
    return of_sessions | {kind.value: of_kind(kind, app, smtp, clock) for kind in kinds}


def lengthen(event: Event, language: str) -> None:
    """Give the event more sessions than a mail has room for, and make every text as long as it may be."""
    event.title = longest = {language: WIDEST[language] * 300}
    event.sender_name = {language: WIDEST[language] * 100}
    event.default_language, event.organizer_address = language, TEAM
    for session in event.sessions:
        session.title = longest
        for stream in session.streams:
            stream.url, stream.label = STREAM_URL, longest
        revisions.revise(session, now=app_clock.now())
        session.notice_at = None
    for number in range(SESSIONS):
        later = timedelta(hours=number)
        wall, at = event.sessions[0].starts_wall + later, event.sessions[0].starts_at + later
        session = EventSession(
            slug=f"more-{number}", code=f"code{number}", title=longest, theme={}, description={}, documents=[],
            starts_wall=wall, ends_wall=wall + timedelta(hours=1), starts_at=at, ends_at=at + timedelta(hours=1),
            revision=0, state=SessionState.SCHEDULED, created_at=START, updated_at=START,
        )  # fmt: skip
        session.streams = [
            Stream(slug="public", position=0, kind=StreamKind.LIVE, audience=Audience.PUBLIC, language="floor",
                   label=longest, url=STREAM_URL, categories=[]),
            Stream(slug="room", position=1, kind=StreamKind.LIVE, audience=Audience.CONFIRMED, language="floor",
                   label=longest, url=ROOM_URL, categories=[]),
        ]  # fmt: skip
        event.sessions.append(session)
        revisions.begin(session, now=app_clock.now())


def amina() -> Registration:
    return registrations(AMINA)[0]


def about_invitations(app: Flask, smtp: MailServer, clock: FakeClock) -> Named:
    """The mails about sessions: added, moved and renamed at once, cancelled, brought back, taken back."""

    def later() -> ReceivedMail:
        clock.advance(GATHERED)
        work(app)
        mail = next(one for one in smtp.mails if one.invitation)
        smtp.clear()
        return mail

    found = {}
    with app.app_context():
        ids = {one.slug: one.id for one in db.session.execute(select(EventSession)).scalars()}
        title = dict.fromkeys(WIDEST, WIDEST[amina().language] * 299)
    wish(app, clock, session_ids=tuple(ids.values()))
    found["invitation"] = later()
    move_session(app, "more-0", timedelta(hours=1))
    change(app, EventSession, "more-0", title=title)
    found["moved and renamed"] = later()
    cancel_session(app, "more-1")
    found["cancelled session"] = later()
    change(app, EventSession, "more-1", state=SessionState.SCHEDULED)
    found["brought back"] = later()
    wish(app, clock, invitations=False)
    found["taken back"] = later()
    return found


def wish(app: Flask, clock: FakeClock, **wishes: Any) -> None:
    with app.app_context(), writing():
        wanted = replace(participation.current_wishes(amina()), **wishes)
        participation.change(amina(), wanted, now=clock.now)


def of_kind(kind: Kind, app: Flask, smtp: MailServer, clock: FakeClock) -> ReceivedMail:
    """Owe her one mail of this kind, in a state in which it is owed, and let it leave."""
    with app.app_context():
        desk = make_organizer("desk@example.org", Role.OWNER).id
    with app.app_context(), writing():
        one = amina()
        one.state = STATE_TOLD.get(kind, (State.CONFIRMED,))[-1]
        one.waiting_since = clock.now if one.state is State.WAITING else None
        one.leaving_since = clock.now if kind is Kind.FAREWELL else None
        if kind is Kind.ADDED:
            one.choices = [choice for choice in one.choices if choice.session.slug != "human-rights"]
        session = session_called(one.event, "human-rights")
        delivery = Delivery(
            key=f"{kind}/of-kind", kind=kind, registration_id=one.id, session_id=session.id,
            starts_at=session.starts_at, rule_id=one.event.reminder_rules[0].id, due_at=clock.now,
            next_try_at=clock.now, useful_until=clock.now + DAY,
        )  # fmt: skip
        if kind is Kind.ANNOUNCEMENT:
            delivery.announcement = announcement(one.event, desk, clock)
        db.session.add(delivery)
    smtp.clear()
    with app.app_context():
        worker.deliver("one")
    (mail,) = smtp.mails
    return mail


def announcement(event: Event, by: int, clock: FakeClock) -> Announcement:
    said = {event.default_language: WIDEST[event.default_language] * 300}
    return Announcement(
        event_id=event.id, subject=said, text=said, states=["confirmed"], categories=[], sessions=[], languages=[],
        send_at=clock.now, made_at=clock.now, created_by=by, created_at=clock.now, updated_at=clock.now,
    )  # fmt: skip


def words_alone(mail: ReceivedMail) -> int:
    """The octets of a mail but for its calendar parts."""
    calendars = ("text/calendar", "application/ics")
    parts = [part for part in mail.message.walk() if part.get_content_type() in calendars]
    return len(mail.octets) - sum(len(part.as_bytes(policy=policy.SMTP)) for part in parts)


def links(mail: ReceivedMail) -> set[str]:
    """All that a reader can follow."""
    html = BeautifulSoup(mail.html, "html.parser")
    return set(re.findall(r"https?://\S+", mail.text)) | {str(link["href"]) for link in html.select("[href]")}


@pytest.mark.parametrize("language", WIDEST)
def test_no_mail_is_larger_than_30_kb_or_has_a_line_too_long(mails: Named) -> None:
    assert {name: size for name, mail in mails.items() if (size := words_alone(mail)) > MOST_OCTETS} == {}
    longest = {name: max(map(len, mail.octets.split(b"\r\n"))) for name, mail in mails.items()}
    assert {name: line for name, line in longest.items() if line > MOST_IN_LINE} == {}


@IN_ARABIC
def test_every_mail_is_text_beside_html_from_one_address_and_by_a_machine(mails: Named) -> None:
    for name, mail in mails.items():
        bodies = [part.get_content_type() for part in mail.message.walk() if part.get_content_maintype() == "text"]
        assert (name, bodies[:2]) == (name, ["text/plain", "text/html"])
        (sender,), (reply_to,) = mail.message["From"].addresses, mail.message["Reply-To"].addresses
        assert (name, sender.addr_spec, mail.sender) == (name, "dialogue@example.org", "dialogue@example.org")
        assert (name, reply_to.addr_spec) == (name, TEAM)
        assert (name, mail.message["Auto-Submitted"]) == (name, "auto-generated")


@IN_ARABIC
def test_no_mail_loads_anything_or_tells_who_reads_it(mails: Named) -> None:
    for name, mail in mails.items():
        html = BeautifulSoup(mail.html, "html.parser")
        loads = html.select("img, script, link, iframe, object, embed, form, video, audio, svg, [src], [background]")
        assert (name, loads, "url(" in mail.html) == (name, [], False)
        assert bool(links(mail)) == (name != Kind.FAREWELL), name
        for link in links(mail) - {STREAM_URL, ROOM_URL}:
            parts = urlsplit(link)
            assert (name, f"{parts.scheme}://{parts.netloc}") == (name, PUBLIC_URL)
            assert (name, parse_qs(parts.query).keys() - {"lang", "stream"}) == (name, set())


@IN_ARABIC
def test_only_what_tells_of_no_change_can_be_unsubscribed_from(mails: Named) -> None:
    named = {name for name, mail in mails.items() if mail.message["List-Unsubscribe"]}
    one_click = {name for name, mail in mails.items() if mail.message["List-Unsubscribe-Post"]}
    shown = {name for name, mail in mails.items() if any("/unsubscribe/" in link for link in links(mail))}
    assert named == one_click == shown == {kind.value for kind in UNSUBSCRIBABLE if kind in WRITERS}


@pytest.mark.parametrize("language", ["en"])
def test_a_mail_without_room_for_all_sessions_says_how_many_more_there_are(mails: Named) -> None:
    text = mails["confirmed"].text
    shown = text.count("/sessions/more-")
    assert 0 < shown < SESSIONS
    assert mails["confirmed"].html.count("/sessions/more-") == shown
    assert f"{SESSIONS + 1 - shown} more sessions stand on your own page." in text


def test_a_mail_with_room_for_all_sessions_shows_all(app: Flask, smtp: MailServer, now: datetime) -> None:
    load_dialogue(app)
    with app.app_context():
        take_part_by_rule(AMINA, now=now)
    confirmed = of_kind(Kind.CONFIRMED, app, smtp, FakeClock(now))
    assert "on your own page" not in confirmed.text
    assert confirmed.text.count("Watch page:") == 2
