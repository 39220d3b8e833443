"""The part of a participant's own page that is about their calendar: one way of three."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from flask import Flask

from registration.domain.link_keys import LinkKind, key_for
from registration.extensions import db
from registration.links import public_url
from registration.models import Event, EventSession, Registration
from registration.models.event import EventState
from registration.models.programme import SessionState
from tests.support.client import Client
from tests.support.dialogue import AMINA, SLUG, change, load_dialogue, prove, registrations, sign_up, take_part, work
from tests.support.smtp import MailServer

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HOST = "https://events.example.org"
OTHER = "other@example.org"
CHANGE = "form[action='/my/']"
SECTION = "[aria-labelledby=calendar-heading]"
DOUBLES = "choose that first: otherwise each session stands in your calendar twice."
FROM_BEFORE = (
    "Entries, subscriptions and mails from before you chose neutral words still name the event: "
    "delete them, and renew the address of your feed."
)
NEVER_SAID = ("dialogue", "human", "civil", "victim", "paradigm", "terrorism", "spain", "unoct", "united nations")
"""Words of the Dialogue's title, themes, organizers and slugs, in lower case."""


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


def feed_path(app: Flask) -> str:
    """The path of Amina's feed, by the rules."""
    with app.app_context():
        key = key_for(registrations(AMINA)[-1], LinkKind.FEED)
        return urlsplit(public_url("calendar.own_feed", key=key)).path


def wish(client: Client, **values: object) -> None:
    """Change wishes on the own page."""
    client.submit(client.page("/my/").form(CHANGE), **values)


@SQLITE
def test_the_own_page_offers_one_way_of_three(app: Flask, client: Client, smtp: MailServer) -> None:
    load_dialogue(app, invitations=True)
    take_part(client, smtp)
    page = client.page("/my/")
    assert page.texts(f"{SECTION} h3") == ["Invitations by mail", "A feed", "Files"]
    assert "Choose one way, so that no session stands in your calendar twice." in page.text
    assert "Some programs do so only once a day: changes therefore come by mail too." in page.text
    assert page.one(f"{SECTION} a.button")["href"] == f"webcal://events.example.org{feed_path(app)}"
    assert page.one("#feed")["value"] == f"{HOST}{feed_path(app)}"
    links = ["Calendar file (.ics)", "Google", "Outlook", "Microsoft 365", "Yahoo"]
    assert page.texts(f"{SECTION} p.actions a") == links * 2
    assert "never updates: if a session moves, a mail tells you, and you make a new one." in page.text
    assert page.form(CHANGE).values["calendar"] == "invitations"
    assert [page.text.count(words) for words in (DOUBLES, FROM_BEFORE)] == [2, 0]
    wish(client, calendar="own")
    assert client.page("/my/").text.count(DOUBLES) == 0


@SQLITE
def test_where_the_event_sends_no_invitations_none_are_spoken_of(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    page = client.page("/my/")
    assert page.texts(f"{SECTION} h3") == ["A feed", "Files"]
    assert page.text.count(DOUBLES) == 0
    assert "calendar" not in page.form(CHANGE).names()
    wish(client, zone="UTC")
    with app.app_context():
        assert db.session.query(Registration).one().invitations


def test_the_way_that_is_chosen_is_kept(app: Flask, client: Client, smtp: MailServer) -> None:
    load_dialogue(app, invitations=True)
    take_part(client, smtp)
    wish(client, calendar="own")
    page = client.page("/my/")
    assert page.form(CHANGE).values["calendar"] == "own"
    with app.app_context():
        assert not db.session.query(Registration).one().invitations
    page = client.submit(page.form(CHANGE), 422, calendar="pigeon")
    assert page.error_of("calendar").endswith("This choice is not offered; choose from the list.")
    page = client.submit(client.page("/my/").form(CHANGE), calendar="invitations")
    assert page.form(CHANGE).values["calendar"] == "invitations"


@SQLITE
def test_links_to_calendars_on_the_web_tell_others_what_their_owner_wants_told(
    client: Client, smtp: MailServer
) -> None:
    take_part(client, smtp)
    selector = f"{SECTION} a[target=_blank]"
    named = [str(one["href"]) for one in client.page("/my/").all(selector)]
    wish(client, discreet=True, neutral_title="Dentist")
    page = client.page("/my/")
    neutral = [str(one["href"]) for one in page.all(selector)]
    assert (len(named), len(neutral)) == (8, 8)
    assert all("Opening%20session" in one for one in named[:4])
    assert all("Dentist" in one and "/s/" in one for one in neutral)
    assert [one for one in neutral if any(word in one.lower() for word in NEVER_SAID)] == []
    assert "The calendars of other companies are told the neutral title when you open them." in page.text
    assert FROM_BEFORE in page.text


@SQLITE
def test_no_file_has_a_session_named_in_its_address(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    paths = [str(one["href"]) for one in client.page("/my/").all(f"{SECTION} a[href^='/my/'][href$='.ics']")]
    with app.app_context():
        codes = [one.code for one in db.session.query(EventSession).order_by(EventSession.starts_at)]
    assert paths == [f"/my/sessions/{code}.ics" for code in codes]
    by_slug = [f"/my/sessions/{slug}.ics" for slug in ("human-rights", "civil-society")]
    assert [client.get(path).data for path in paths] == [client.get(path).data for path in by_slug]


@SQLITE
def test_a_cancelled_session_is_offered_to_no_calendar(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    change(app, EventSession, "civil-society", state=SessionState.CANCELLED)
    page = client.page("/my/")
    assert page.texts(f"{SECTION} h4") == ["Opening session and discussion"]
    assert page.texts(".session a.button") == ["Watch page"]


@SQLITE
def test_a_cancelled_event_offers_no_way_into_the_calendar(app: Flask, client: Client, smtp: MailServer) -> None:
    load_dialogue(app, invitations=True)
    take_part(client, smtp)
    change(app, Event, SLUG, state=EventState.CANCELLED)
    page = client.page("/my/")
    assert page.texts(f"{SECTION} h3") == ["A feed"]
    assert page.texts(f"{SECTION} button") == ["Switch the feed off"]
    assert page.all(f"{SECTION} a, .session a.button") == []


@SQLITE
def test_files_end_with_the_registration_and_the_feed_stays(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp, "member-states")
    assert client.page("/my/").all("#feed, a[href$='.ics']") == []
    sign_up(client, address=OTHER)
    work(app)
    prove(client, smtp, OTHER)
    assert len(client.page("/my/").all("#feed, a[href$='.ics']")) == 4
    client.submit(client.page("/my/").form("form[action='/my/cancel/']"))
    page = client.page("/my/")
    assert (len(page.all("#feed")), page.all("a[href$='.ics']")) == (1, [])
