"""Calendars as they leave the house, by HTTP and by mail, read back by ical.js."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select

from registration.domain.calendars.entry import clean, one_line
from registration.domain.link_keys import LinkKind, key_for
from registration.domain.personal import open_personal, seal_into
from registration.extensions import db, writing
from registration.models import Event, EventSession
from registration.text import clean_line
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import (
    AMINA,
    EVENT,
    FIRST_START,
    MINUTE,
    SECOND_START,
    SESSIONS,
    SLUG,
    cancel_session,
    change,
    load_dialogue,
    move_session,
    registrations,
    sign_up_by_rule,
    take_part,
    work,
)
from tests.support.ical_reader import CalendarReader, ReadCalendar, broken_lines
from tests.support.smtp import MailServer, ReceivedMail
from tests.web.test_bad_input import TAKEN

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FEED = f"{EVENT}calendar.ics"
PUBLIC = [FEED, f"{EVENT}sessions.ics", *(f"{EVENT}sessions/{slug}.ics" for slug in SESSIONS)]
OWN_FILE = f"/my/sessions/{SESSIONS[0]}.ics"
LANGUAGES = ["ar", "en", "es", "fr", "ru", "zh"]
HOSTILE = {
    "control characters": "A\0b\x07c\x1b[31md\x7fe\x9bf",
    "line breaks": "A\r\nATTENDEE:mailto:x@example.org\rSEQUENCE:9\nEND:VEVENT\u2028x\u2029y\x85z\x0b.\x0c",
    "10,000 characters": "é世ع😀" * 2500,
    "10,000 marks": "\"\\;,:^'%" * 1250,
    "directions": "evil\u202etxt.exe\u202c \u2067isolated\u2069 \u202a\u202b\u202d\u2066\u2068",
    "byte order mark": "\ufeffA",
}
"""What no form lets through; here it stands in the row."""


def read(reader: CalendarReader, *files: bytes) -> list[ReadCalendar]:
    """Return what is read in each file, once its octets have been looked at."""
    assert [broken_lines(file) for file in files] == [[]] * len(files)
    return reader.read_all(files)


def fetch(reader: CalendarReader, client: Client, *paths: str) -> list[ReadCalendar]:
    return read(reader, *(client.get(path).data for path in paths))


def feed_of_amina(app: Flask) -> str:
    with app.app_context():
        return f"/feeds/{key_for(registrations(AMINA)[-1], LinkKind.FEED)}.ics"


def mailed(reader: CalendarReader, mail: ReceivedMail) -> list[ReadCalendar]:
    """Return what a calendar program reads of a mail: its parts and its files."""
    parts = [part for part in mail.message.walk() if part.get_content_subtype() in ("calendar", "ics")]
    return read(reader, *(part.get_payload(decode=True) for part in parts))


def gist(calendar: ReadCalendar) -> list[tuple[str | None, object, int, str]]:
    """(METHOD, start, SEQUENCE, STATUS) of each entry."""
    return [(calendar.method, one.start, one.sequence, one.status) for one in calendar.entries]


@pytest.mark.parametrize("language", LANGUAGES)
def test_public_calendars_speak_the_language_asked_for(
    app: Flask, client: Client, calendar_reader: CalendarReader, language: str
) -> None:
    load_dialogue(app)
    feed, whole, *single = fetch(calendar_reader, client, *(f"{path}?lang={language}" for path in PUBLIC))
    with app.app_context():
        event = db.session.execute(select(Event)).scalar_one()
        titles = [one_line(f"{one.title[language]} – {event.title[language]}") for one in event.sessions]
        themes = [clean(one.theme[language]) for one in event.sessions]
        name = one_line(event.title[language])
    assert [(one.summary, one.description.partition("\n\n")[2], one.language, one.start) for one in feed.entries] == [
        (titles[0], themes[0], language, FIRST_START),
        (titles[1], themes[1], language, SECOND_START),
    ]
    assert name.replace(",", " ").replace(";", " ").split() == (feed.name or "").split()
    assert feed.entries == whole.entries == [one.entries[0] for one in single]


@pytest.mark.parametrize("words", [*HOSTILE.values(), "A\ud800b\udfffc"], ids=[*HOSTILE, "lone surrogates"])
def test_whatever_a_session_is_called_public_calendars_are_good(
    app: Flask, client: Client, calendar_reader: CalendarReader, words: str
) -> None:
    load_dialogue(app)
    change(app, Event, SLUG, title={"en": words})
    change(app, EventSession, SESSIONS[0], title={"en": words}, theme={"en": words})
    feed, whole, single, _ = fetch(calendar_reader, client, *PUBLIC)
    entry = single.entries[0]
    theme = entry.description.partition("\n\n")[2]
    assert (entry.summary, theme) == (one_line(f"{words} – {words}"), clean(words).rstrip())
    assert [feed.entries[0], whole.entries[0]] == [entry, entry]


@pytest.mark.parametrize("words", HOSTILE.values(), ids=HOSTILE)
def test_whatever_somebody_and_their_entries_are_called_their_calendars_are_good(
    app: Flask, client: Client, *, smtp: MailServer, clock: FakeClock, calendar_reader: CalendarReader, words: str
) -> None:
    load_dialogue(app)
    take_part(client, smtp, discreet="y")
    clock.advance(MINUTE)
    with app.app_context(), writing():
        [amina] = registrations(AMINA)
        seal_into(amina, replace(open_personal(amina), name=words, neutral_title=words))
        amina.updated_at = clock.now
    file, feed = fetch(calendar_reader, client, OWN_FILE, feed_of_amina(app))
    assert [(one.summary, one.access, one.start) for one in feed.entries] == [
        (one_line(words), "PRIVATE", FIRST_START),
        (one_line(words), "PRIVATE", SECOND_START),
    ]
    assert file.entries == feed.entries[:1]


def test_any_neutral_title_that_the_form_takes_stands_in_the_calendar(
    app: Flask, client: Client, smtp: MailServer, calendar_reader: CalendarReader
) -> None:
    load_dialogue(app)
    take_part(client, smtp)
    form = client.page("/my/").form("form[action='/my/']")
    files = []
    for words in TAKEN.values():
        assert client.send(form, discreet=True, neutral_title=words[:80]).status_code == 303
        files.append(client.get(OWN_FILE).data)
    titles = [calendar.entries[0].summary for calendar in read(calendar_reader, *files)]
    assert titles == [one_line(clean_line(words[:80])) for words in TAKEN.values()]


@pytest.mark.parametrize(
    "name", ['The "Office", of: Peace; and \\so on', "مكتب حقوق الإنسان", "人权 👩🏽‍🚀 Центр", "%(x)b"]
)
def test_mailed_invitations_are_read_as_they_were_meant(
    app: Flask, client: Client, *, smtp: MailServer, clock: FakeClock, calendar_reader: CalendarReader, name: str
) -> None:
    load_dialogue(app, invitations=True)
    change(app, Event, SLUG, sender_name={"en": name})
    take_part(client, smtp)
    move_session(app, SESSIONS[0], 30 * MINUTE)
    cancel_session(app, SESSIONS[1])
    clock.advance(10 * MINUTE)
    work(app)
    received = [mailed(calendar_reader, mail) for mail in smtp.to(AMINA)]
    invitations = [one[0] for one in received if one]
    assert [gist(one) for one in invitations] == [
        [("REQUEST", FIRST_START, 0, "CONFIRMED")],
        [("REQUEST", SECOND_START, 0, "CONFIRMED")],
        [("REQUEST", FIRST_START + 30 * MINUTE, 1, "CONFIRMED")],
        [("CANCEL", SECOND_START, 1, "CANCELLED")],
    ]
    assert [one for one in received if one] == [[one, one] for one in invitations]
    organizers = {entry.organizer.name for one in invitations for entry in one.entries if entry.organizer}
    assert organizers == {one_line(name.replace("\\", " "))}


def test_files_with_a_confirmation_are_those_of_the_own_page(
    app: Flask, client: Client, smtp: MailServer, calendar_reader: CalendarReader
) -> None:
    load_dialogue(app)
    first, second = mailed(calendar_reader, take_part(client, smtp))
    assert [first] == fetch(calendar_reader, client, OWN_FILE)
    assert [gist(first), gist(second)] == [
        [(None, FIRST_START, 0, "CONFIRMED")],
        [(None, SECOND_START, 0, "CONFIRMED")],
    ]


@pytest.mark.parametrize(
    ("zone", "stated"), [("America/New_York", "America/New_York"), ("Africa/Casablanca", "Africa/Abidjan")]
)
def test_a_feed_without_sessions_is_a_calendar_all_the_same(
    app: Flask, client: Client, *, clock: FakeClock, calendar_reader: CalendarReader, zone: str, stated: str
) -> None:
    load_dialogue(app)
    change(app, Event, SLUG, zone=zone)
    with app.app_context():
        sign_up_by_rule(now=clock.now)
    (feed,) = fetch(calendar_reader, client, feed_of_amina(app))
    assert (feed.zones, feed.entries) == ([stated], [])
