"""Calendar files as people fetch them: what is in them is tests/domain/test_calendars.py's matter."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from icalendar import Calendar

from registration.extensions import db, writing
from registration.models import Event, EventSession, Invitation
from registration.models.event import EventState
from registration.models.organizer import Role
from registration.models.programme import SessionState
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import (
    EVENT,
    FIRST_START,
    SECOND_START,
    SLUG,
    change,
    load_dialogue,
    move_session,
    take_part,
)
from tests.support.organizers import at_desk
from tests.support.smtp import MailServer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FEED = f"{EVENT}calendar.ics"
WHOLE = f"{EVENT}sessions.ics"
FIRST = f"{EVENT}sessions/human-rights.ics"
PUBLIC = [FEED, WHOLE, FIRST]


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


def entries(client: Client, path: str) -> list[tuple[str, object, str, int]]:
    """(status, start in UTC, watch address, sequence) of each entry in a file."""
    calendar = Calendar.from_ical(client.get(path).data)
    return [
        (str(one["STATUS"]), one.start.astimezone(FIRST_START.tzinfo), str(one["URL"]), int(one["SEQUENCE"]))
        for one in calendar.walk("VEVENT")
    ]


def entry(slug: str, start: object, status: str = "CONFIRMED", sequence: int = 0) -> tuple[str, object, str, int]:
    return status, start, f"https://events.example.org{EVENT}sessions/{slug}/", sequence


def test_there_is_a_file_for_each_session_for_the_event_and_a_feed(client: Client) -> None:
    first, second = entry("human-rights", FIRST_START), entry("civil-society", SECOND_START)
    assert entries(client, FIRST) == [first]
    assert entries(client, f"{EVENT}sessions/civil-society.ics") == [second]
    assert entries(client, WHOLE) == [first, second]
    assert entries(client, FEED) == [first, second]


@pytest.mark.parametrize(
    ("path", "disposition"),
    [
        (FEED, "inline; filename=dialogue-next.ics; filename*=UTF-8''dialogue-next.ics"),
        (WHOLE, "attachment; filename=dialogue-next.ics; filename*=UTF-8''dialogue-next.ics"),
        (FIRST, "attachment; filename=dialogue-next-human-rights.ics; filename*=UTF-8''dialogue-next-human-rights.ics"),
    ],
)
def test_files_come_as_calendars_with_a_name(client: Client, path: str, disposition: str) -> None:
    response = client.get(path)
    assert (response.headers["Content-Type"], response.headers["Content-Disposition"]) == (
        "text/calendar; charset=utf-8",
        disposition,
    )


@pytest.mark.parametrize("path", PUBLIC)
def test_any_cache_may_hold_them(client: Client, path: str) -> None:
    response = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert {name: response.headers.get(name) for name in ("Set-Cookie", "Vary", "Content-Encoding")} == {
        "Set-Cookie": None,
        "Vary": "Accept-Encoding",
        "Content-Encoding": None,
    }
    assert response.headers["Cache-Control"] == "public, max-age=900"
    assert not response.headers["ETag"].startswith("W/")


@pytest.mark.parametrize("path", PUBLIC)
def test_two_requests_apart_give_the_same_bytes(client: Client, clock: FakeClock, path: str) -> None:
    first = client.get(path).data
    clock.advance(timedelta(days=3))
    assert client.get(path).data == first


def test_a_moved_session_is_a_newer_entry_in_every_file(app: Flask, client: Client, clock: FakeClock) -> None:
    before = client.get(FEED)
    clock.advance(timedelta(days=1))
    move_session(app, "human-rights", timedelta(minutes=30))
    moved = entry("human-rights", FIRST_START + timedelta(minutes=30), sequence=1)
    assert (entries(client, FIRST), entries(client, FEED)[0]) == ([moved], moved)
    after = client.get(FEED, headers={"If-None-Match": before.headers["ETag"]})
    assert (after.status_code, after.headers["Last-Modified"]) == (200, "Tue, 03 Mar 2026 15:00:00 GMT")


def test_a_cancelled_session_stays_in_the_feed_and_leaves_the_file(app: Flask, client: Client) -> None:
    change(app, EventSession, "human-rights", state=SessionState.CANCELLED)
    second = entry("civil-society", SECOND_START)
    assert entries(client, FEED) == [entry("human-rights", FIRST_START, "CANCELLED", 1), second]
    assert entries(client, WHOLE) == [second]


def test_a_file_is_a_whole_calendar_where_no_session_takes_place(app: Flask, client: Client) -> None:
    change(app, Event, SLUG, state=EventState.CANCELLED)
    whole = client.get(WHOLE).data
    assert [component.name for component in Calendar.from_ical(whole).subcomponents] == ["VTIMEZONE"]


def test_a_file_speaks_the_language_that_is_asked_for(client: Client) -> None:
    assert "Sesión de apertura y debate" in client.get(f"{FIRST}?lang=es").text


@pytest.mark.parametrize("path", PUBLIC)
def test_a_draft_has_no_files(app: Flask, client: Client, path: str) -> None:
    change(app, Event, SLUG, state=EventState.DRAFT)
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", PUBLIC)
def test_an_organizer_sees_the_files_of_a_draft_and_nothing_on_the_way_keeps_them(app: Flask, path: str) -> None:
    change(app, Event, SLUG, state=EventState.DRAFT)
    response = at_desk(app, Role.VIEWER).get(path)
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")


def test_what_does_not_exist_has_no_file(client: Client) -> None:
    missing = [f"{EVENT}sessions/no-such.ics", "/events/no-such/calendar.ics", "/my/sessions/human-rights.ics"]
    assert [client.get(path).status_code for path in missing] == [404] * 3


def test_a_participants_own_file_is_kept_by_nobody(client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    response = client.get("/my/sessions/human-rights.ics")
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
    assert entries(client, "/my/sessions/human-rights.ics") == [entry("human-rights", FIRST_START)]


def test_somebody_has_files_of_the_sessions_they_take_part_in_alone(
    app: Flask, client: Client, smtp: MailServer
) -> None:
    take_part(client, smtp, sessions=["civil-society"])
    in_review = app.test_client()
    take_part(in_review, smtp, "member-states", address="delegate@example.org")
    paths = [f"/my/sessions/{slug}.ics" for slug in ("human-rights", "civil-society", "no-such")]
    assert [client.get(path).status_code for path in paths] == [404, 200, 404]
    assert [in_review.get(path).status_code for path in paths] == [404, 404, 404]
    client.submit(client.page("/my/").form("form[action='/my/cancel/']"))
    assert [client.get(path).status_code for path in paths] == [404, 404, 404]


def test_an_own_file_has_the_sequence_of_the_invitation(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    with app.app_context(), writing():
        for held in db.session.query(Invitation).all():
            held.bumps = 3
    move_session(app, "human-rights", timedelta(minutes=30))
    moved = FIRST_START + timedelta(minutes=30)
    assert entries(client, "/my/sessions/human-rights.ics") == [entry("human-rights", moved, sequence=4)]


def test_an_own_file_speaks_its_owners_language(client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    client.submit(client.page("/my/").form("form[action='/my/']"), language="es")
    (event,) = Calendar.from_ical(client.get("/my/sessions/human-rights.ics?lang=fr").data).walk("VEVENT")
    assert str(event["SUMMARY"]).startswith("Sesión de apertura y debate – ")
    assert {event[name].params["LANGUAGE"] for name in ("SUMMARY", "DESCRIPTION")} == {"es"}


def test_a_discreet_participants_own_file_is_neutral(client: Client, smtp: MailServer) -> None:
    take_part(client, smtp, discreet="y")
    response = client.get("/my/sessions/human-rights.ics")
    (event,) = Calendar.from_ical(response.data).walk("VEVENT")
    assert response.headers["Content-Disposition"] == "attachment; filename=meeting.ics; filename*=UTF-8''meeting.ics"
    assert (str(event["SUMMARY"]), str(event["CLASS"])) == ("Online meeting", "PRIVATE")
    assert str(event["URL"]).startswith("https://events.example.org/s/")


@pytest.mark.parametrize(("state", "times"), [(EventState.PUBLISHED, 1), (EventState.CANCELLED, 0)])
def test_the_event_page_sends_who_has_registered_to_their_own_page(
    app: Flask, client: Client, state: EventState, times: int
) -> None:
    change(app, Event, SLUG, state=state)
    assert client.page(EVENT).text.count("If you have registered, use your own page instead") == times
