"""A participant's feed: what stands in it, for whom its address opens, and what it never says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
import vobject
from flask import Flask
from icalendar import Calendar
from werkzeug.test import Client as Visitor
from werkzeug.test import TestResponse

from registration.domain import admission
from registration.domain.link_keys import LinkKind, key_for
from registration.extensions import db, writing
from registration.keys import new_public_id
from registration.links import public_url
from registration.models import Category, Event, EventSession, Organizer, Registration
from registration.models.event import EventState
from registration.models.programme import SessionState
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import (
    AMINA,
    DAY,
    EVENT,
    FIRST_START,
    LAST_END,
    SECOND_START,
    SLUG,
    change,
    link_in,
    load_dialogue,
    move_session,
    registrations,
    take_part,
    work,
)
from tests.support.pages import Form
from tests.support.smtp import MailServer

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HOST = "https://events.example.org"
MINUTE = timedelta(minutes=1)
CHANGE = "form[action='/my/']"
OTHER, THIRD = "other@example.org", "third@example.org"
NEVER_SAID = ("dialogue", "human", "civil", "victim", "paradigm", "terrorism", "spain", "unoct", "united nations")
"""Words of the Dialogue's title, themes, organizers and slugs, in lower case."""
EMPTY = [b"BEGIN:VCALENDAR", b"BEGIN:VTIMEZONE"]


class Entry(NamedTuple):
    """What counts of a VEVENT; `start` in UTC."""

    title: str
    status: str
    start: datetime
    sequence: int


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


def feed_path(app: Flask, address: str = AMINA) -> str:
    """The path of somebody's feed, by the rules."""
    with app.app_context():
        key = key_for(registrations(address)[-1], LinkKind.FEED)
        return urlsplit(public_url("calendar.own_feed", key=key)).path


def key_in(path: str) -> str:
    """The key in a feed's path."""
    return path.removeprefix("/feeds/").removesuffix(".ics")


def shown_path(client: Client) -> str:
    """The path of the feed that the own page shows."""
    return urlsplit(str(client.page("/my/").one("#feed")["value"])).path


def fetch(app: Flask, path: str, **headers: str) -> TestResponse:
    """Ask as a calendar program does: no cookie, no Accept."""
    return Visitor(app, use_cookies=False).get(path, base_url=HOST, headers=headers)


def entries_in(octets: bytes) -> list[Entry]:
    return [
        Entry(str(one["SUMMARY"]), str(one["STATUS"]), one.start.astimezone(FIRST_START.tzinfo), int(one["SEQUENCE"]))
        for one in Calendar.from_ical(octets).walk("VEVENT")
    ]


def stamps_in(octets: bytes) -> list[datetime]:
    return [one["DTSTAMP"].dt for one in Calendar.from_ical(octets).walk("VEVENT")]


def components_in(octets: bytes) -> list[bytes]:
    """The BEGIN lines of a calendar that a second reader takes as a whole too."""
    vobject.readOne(octets.decode())
    return [line for line in octets.split(b"\r\n") if line.startswith(b"BEGIN:V")]


def button(client: Client, what: str) -> Form:
    path = "/my/links/feed/renew/" if what == "renew" else f"/my/feed/{what}/"
    return client.page("/my/").form(f"form[action='{path}']")


def decline(app: Flask, now: datetime) -> None:
    """Let an organizer decline the only registration."""
    with app.app_context(), writing():
        organizer = Organizer(public_id=new_public_id(), address_hash=b"o" * 32, sealed=b"", created_at=now)
        db.session.add(organizer)
        db.session.flush()
        admission.decline(db.session.query(Registration).one(), by=organizer.id, now=now)


def wish(client: Client, **values: object) -> None:
    """Change wishes on the own page."""
    client.submit(client.page("/my/").form(CHANGE), **values)


def opening(status: str = "CONFIRMED", start: datetime = FIRST_START, sequence: int = 0) -> Entry:
    return Entry(f"Opening session and discussion – {EVENT_TITLE}", status, start, sequence)


def closing(status: str = "CONFIRMED", sequence: int = 0) -> Entry:
    title = f"Discussion, premiere of “VictimA” and closing session – {EVENT_TITLE}"
    return Entry(title, status, SECOND_START, sequence)


EVENT_TITLE = (
    "Virtual Dialogue with Human Rights and Civil Society Partners "
    "on Building a Better Paradigm to Prevent and Counter Terrorism"
)


def test_it_holds_the_sessions_that_this_person_has_chosen(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    take_part(app.test_client(), smtp, address=OTHER, sessions=["civil-society"])
    assert shown_path(client) == feed_path(app)
    assert entries_in(fetch(app, feed_path(app)).data) == [opening(), closing()]
    assert entries_in(fetch(app, feed_path(app, OTHER)).data) == [closing()]


@SQLITE
def test_it_comes_as_a_named_calendar_that_nobody_on_the_way_keeps(
    app: Flask, client: Client, smtp: MailServer
) -> None:
    take_part(client, smtp)
    for _time in ("made", "kept"):
        response = fetch(app, feed_path(app), **{"Accept-Encoding": "gzip"})
        names = ("Content-Type", "Content-Disposition", "Cache-Control", "Content-Encoding", "Set-Cookie", "Vary")
        assert {name: response.headers.get(name) for name in names} == {
            "Content-Type": "text/calendar; charset=utf-8",
            "Content-Disposition": "inline; filename=dialogue-next.ics; filename*=UTF-8''dialogue-next.ics",
            "Cache-Control": "private, no-cache, max-age=0",
            "Content-Encoding": None,
            "Set-Cookie": None,
            "Vary": "Accept-Encoding",
        }
        calendar = Calendar.from_ical(response.data)
        assert (str(calendar["NAME"]), str(calendar["X-WR-CALNAME"])) == (EVENT_TITLE, EVENT_TITLE)
        assert (calendar["REFRESH-INTERVAL"].dt, str(calendar["X-PUBLISHED-TTL"])) == (timedelta(hours=1), "PT1H")


@SQLITE
def test_it_speaks_its_owners_language_whatever_is_asked(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    wish(client, language="es")
    spanish = fetch(app, f"{feed_path(app)}?lang=fr")
    assert entries_in(spanish.data)[0].title.startswith("Sesión de apertura y debate – ")
    assert spanish.data == fetch(app, feed_path(app)).data
    assert {one["SUMMARY"].params["LANGUAGE"] for one in Calendar.from_ical(spanish.data).walk("VEVENT")} == {"es"}


@SQLITE
def test_the_same_data_gives_the_same_answer(app: Flask, client: Client, smtp: MailServer, clock: FakeClock) -> None:
    take_part(client, smtp)
    first = fetch(app, feed_path(app))
    clock.advance(3 * DAY)
    again = fetch(app, feed_path(app))
    assert (again.data, list(again.headers)) == (first.data, list(first.headers))


def test_what_organizers_change_shows_at_once_under_the_same_name(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock
) -> None:
    take_part(client, smtp)
    before = fetch(app, feed_path(app))
    clock.advance(DAY)
    move_session(app, "human-rights", 30 * MINUTE)
    change(app, EventSession, "civil-society", state=SessionState.CANCELLED)
    after = fetch(app, feed_path(app), **{"If-None-Match": before.headers["ETag"]})
    moved = opening(start=FIRST_START + 30 * MINUTE, sequence=1)
    assert (after.status_code, entries_in(after.data)) == (200, [moved, closing("CANCELLED", 1)])
    assert uids(after) == uids(before) == uids(fetch(app, f"{EVENT}calendar.ics"))
    assert after.headers["Last-Modified"] == "Tue, 03 Mar 2026 15:00:00 GMT"


def uids(response: TestResponse) -> list[str]:
    return [str(one["UID"]) for one in Calendar.from_ical(response.data).walk("VEVENT")]


@SQLITE
def test_a_cancelled_event_stays_in_it_as_cancelled(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    change(app, Event, SLUG, state=EventState.CANCELLED)
    response = fetch(app, feed_path(app))
    assert entries_in(response.data) == [opening("CANCELLED", sequence=1), closing("CANCELLED", 1)]
    assert Calendar.from_ical(response.data).walk("VALARM") == []


def test_own_changes_show_at_once_even_within_one_instant(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    seen = [fetch(app, feed_path(app)).data]
    for values in (
        {"sessions": ["civil-society"]},
        {"stream_language": "floor", "language": "fr"},
        {"discreet": True},
        {"neutral_title": "Dentist"},
        {"sessions": ["human-rights", "civil-society"]},
    ):
        wish(client, **values)
        seen.append(fetch(app, feed_path(app)).data)
    assert len(set(seen)) == len(seen)
    assert [(one.title, one.start) for one in entries_in(seen[-1])] == [
        ("Dentist", FIRST_START),
        ("Dentist", SECOND_START),
    ]


def test_who_cancels_keeps_the_sessions_as_cancelled_and_back_again_as_newer_ones(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock
) -> None:
    take_part(client, smtp)
    there = fetch(app, feed_path(app)).data
    clock.advance(DAY)
    client.submit(client.page("/my/").form("form[action='/my/cancel/']"))
    work(app)
    left = fetch(app, feed_path(app)).data
    clock.advance(DAY)
    take_part(app.test_client(), smtp)
    back = fetch(app, feed_path(app)).data
    assert [[one.status for one in entries_in(octets)] for octets in (there, left, back)] == [
        ["CONFIRMED"] * 2,
        ["CANCELLED"] * 2,
        ["CONFIRMED"] * 2,
    ]
    assert_each_supersedes([there, left, back])


@SQLITE
def test_who_is_invited_by_mail_has_each_step_as_a_higher_sequence(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock
) -> None:
    load_dialogue(app, invitations=True)
    take_part(client, smtp)
    work(app)
    there = fetch(app, feed_path(app)).data
    clock.advance(DAY)
    client.submit(client.page("/my/").form("form[action='/my/cancel/']"))
    work(app)
    left = fetch(app, feed_path(app)).data
    clock.advance(DAY)
    take_part(app.test_client(), smtp)
    back = fetch(app, feed_path(app)).data
    sequences = [[one.sequence for one in entries_in(octets)] for octets in (there, left, back)]
    assert sequences == [[0, 0], [1, 1], [2, 2]]
    assert_each_supersedes([there, left, back])


def assert_each_supersedes(feeds: list[bytes]) -> None:
    """Each entry is newer than the one before it: by SEQUENCE, then by DTSTAMP (RFC 5546, 2.1.5)."""
    for entry in range(2):
        ranks = [(entries_in(octets)[entry].sequence, stamps_in(octets)[entry]) for octets in feeds]
        assert ranks == sorted(set(ranks))


@SQLITE
def test_who_is_declined_keeps_the_sessions_as_cancelled(
    app: Flask, client: Client, smtp: MailServer, now: datetime
) -> None:
    take_part(client, smtp)
    decline(app, now)
    assert [one.status for one in entries_in(fetch(app, feed_path(app)).data)] == ["CANCELLED"] * 2


@SQLITE
@pytest.mark.parametrize("zone", ["America/New_York", "UTC", "Africa/Casablanca"])
def test_before_one_is_confirmed_it_is_a_whole_calendar_without_sessions(
    app: Flask, client: Client, smtp: MailServer, zone: str
) -> None:
    change(app, Category, "youth", places=1)
    change(app, Event, SLUG, zone=zone)
    take_part(app.test_client(), smtp, "member-states")
    take_part(app.test_client(), smtp, address=OTHER)
    waiting = app.test_client()
    take_part(waiting, smtp, address=THIRD)
    in_review = fetch(app, feed_path(app))
    assert (in_review.status_code, components_in(in_review.data)) == (200, EMPTY)
    assert waiting.page("/my/").all("#feed") == []
    assert components_in(fetch(app, feed_path(app, THIRD)).data) == EMPTY


@SQLITE
@pytest.mark.parametrize(("typed", "title"), [("", "Online meeting"), ("Zahnarzt, 10:00; Raum \\2", None)])
def test_a_discreet_persons_feed_names_nothing_of_the_event(
    app: Flask, client: Client, smtp: MailServer, typed: str, title: str | None
) -> None:
    take_part(client, smtp, discreet="y")
    wish(client, neutral_title=typed)
    change(app, EventSession, "civil-society", state=SessionState.CANCELLED)
    response = fetch(app, feed_path(app))
    said = (response.text.replace("\r\n ", "") + str(response.headers)).lower()
    assert [word for word in NEVER_SAID if word in said.replace("events.example.org", "")] == []
    calendar = Calendar.from_ical(response.data)
    assert {str(one["SUMMARY"]) for one in calendar.walk("VEVENT")} == {title or typed}
    assert str(calendar["NAME"]) == str(calendar["X-WR-CALNAME"]) == (title or "Zahnarzt 10:00 Raum 2")
    assert {str(one["CLASS"]) for one in calendar.walk("VEVENT")} == {"PRIVATE"}
    assert {str(one["URL"])[:29] for one in calendar.walk("VEVENT")} == {f"{HOST}/s/"}
    assert response.headers["Content-Disposition"] == "inline; filename=meetings.ics; filename*=UTF-8''meetings.ics"


@SQLITE
def test_no_key_stands_in_it(app: Flask, client: Client, smtp: MailServer) -> None:
    mail = take_part(client, smtp)
    unfolded = fetch(app, feed_path(app)).text.replace("\r\n ", "")
    keys = [link_in(mail, "/my/").split("/")[2], key_in(feed_path(app))]
    assert [key for key in keys if key in unfolded or key[:22] in unfolded] == []


MALFORMED = [
    "x", "", "A" * 43, "A" * 44, "A" * 45, "A" * 101, "A" * 3000, "%00" * 44, "%ff" * 44, "%ED%A0%80", "%0a", "a%0ab",
    "A" * 44 + "%0a", "..%2f..%2fx", "%2f%2fx", "/x", "A/B/C", "-" * 44, "%E2%80%AE" * 44, "'%20OR%201=1--", "{{7*7}}",
    "%0d%0aSet-Cookie:x=1", "x.ics", "é" * 44,
]  # fmt: skip


def test_a_key_that_opens_nothing_has_one_answer_whatever_is_wrong_with_it(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock
) -> None:
    mail = take_part(client, smtp)
    take_part(app.test_client(), smtp, address=OTHER)
    key, other = key_in(feed_path(app)), key_in(feed_path(app, OTHER))
    wrong = [f"/feeds/{one}.ics" for one in MALFORMED]
    wrong += [f"/feeds/{one}.ics" for one in (link_in(mail, "/my/").split("/")[2], key[:22] + other[22:], key[::-1])]
    answers = [fetch(app, path) for path in wrong]
    renewed = feed_path(app)
    assert fetch(app, renewed).status_code == 200
    client.send(button(client, "renew"))
    answers.append(fetch(app, renewed))
    switched_off = feed_path(app)
    assert fetch(app, switched_off).status_code == 200
    client.send(button(client, "off"))
    answers.append(fetch(app, switched_off))
    erased = feed_path(app, OTHER)
    assert fetch(app, erased).status_code == 200
    clock.move_to(LAST_END + 31 * DAY)
    work(app)
    answers += [fetch(app, erased), fetch(app, switched_off)]
    assert {(one.status_code, one.data, tuple(one.headers)) for one in answers} == {
        (404, b"This link is not valid any more; ask for a new one.\n", tuple(answers[0].headers))
    }
    assert answers[0].headers["Cache-Control"] == "no-store"


def test_its_owner_renews_it_and_switches_it_off_and_on(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    first = shown_path(client)
    renewed = client.submit(button(client, "renew"))
    assert renewed.texts("[role=status]") == [
        "Your feed has a new address: subscribe to it anew, for the old one opens nothing any more."
    ]
    second = shown_path(client)
    assert [fetch(app, path).status_code for path in (first, second)] == [404, 200]
    off = client.submit(button(client, "off"))
    assert (off.texts("[role=status]"), off.all("#feed")) == (["Your feed is off; its address opens nothing now."], [])
    assert fetch(app, second).status_code == 404
    on = client.submit(button(client, "on"))
    assert on.texts("[role=status]") == ["Your feed is on, at the address below."]
    assert (shown_path(client), fetch(app, second).status_code) == (second, 200)


@SQLITE
@pytest.mark.parametrize("end", ["cancel", "decline", "whole event"])
def test_it_can_be_renewed_and_switched_off_after_the_end_too(
    app: Flask, client: Client, smtp: MailServer, now: datetime, end: str
) -> None:
    take_part(client, smtp)
    if end == "cancel":
        client.submit(client.page("/my/").form("form[action='/my/cancel/']"))
    elif end == "decline":
        decline(app, now)
    else:
        change(app, Event, SLUG, state=EventState.CANCELLED)
    first = shown_path(client)
    said = "Your feed still shows your sessions, as cancelled: switch it off once your calendar program has fetched it."
    assert client.page("/my/").texts("[aria-labelledby=calendar-heading] .card > p") == [said]
    client.send(button(client, "renew"))
    second = shown_path(client)
    assert [fetch(app, path).status_code for path in (first, second)] == [404, 200]
    assert client.submit(button(client, "off")).all("[aria-labelledby=calendar-heading]") == []
    assert fetch(app, second).status_code == 404


@SQLITE
def test_another_site_can_neither_renew_it_nor_switch_it_off(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    path = feed_path(app)
    for what in ("links/feed/renew", "feed/off", "feed/on"):
        assert [visitor.post(f"/my/{what}/").status_code for visitor in (client, app.test_client())] == [400, 400]
    assert fetch(app, path).status_code == 200


NASTY = {
    "control characters": "Bell\x07 and escape\x1b[31m and nothing\x00 and \x9f",
    "ten thousand characters": "é世ع😀 " * 2000,
    "right to left": "\u202eevil\u2066x\u2069 \u202d",
    "line breaks": "one\r\nBEGIN:VEVENT\r\nUID:x\n\rtwo",
    "marks": ",;:\\\"'\\n=?<b>&amp;%s {0}",
}


@SQLITE
@pytest.mark.parametrize("title", NASTY.values(), ids=NASTY.keys())
def test_whatever_a_title_holds_the_calendar_is_whole(app: Flask, client: Client, smtp: MailServer, title: str) -> None:
    take_part(client, smtp)
    change(app, Event, SLUG, title={"en": title})
    change(app, EventSession, "human-rights", title={"en": title}, theme={"en": title})
    octets = fetch(app, feed_path(app)).data
    lines = octets.split(b"\r\n")
    assert max(len(line) for line in lines) <= 75
    assert [line for line in lines if any(octet < 32 for octet in line)] == []
    assert components_in(octets).count(b"BEGIN:VEVENT") == 2
    assert [one.start for one in entries_in(octets)] == [FIRST_START, SECOND_START]
    assert not set("\u202e\u202d\u2066\u2069\x00\x07\x1b\x9f") & set(octets.decode())
