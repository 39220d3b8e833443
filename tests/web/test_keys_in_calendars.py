"""No key of a person stands in a calendar: not in one that is meant to be shared, and not in their own."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from flask import Flask
from icalendar import Calendar

from registration.extensions import db
from registration.models import EventSession
from tests.support.client import Client
from tests.support.dialogue import (
    AMINA,
    DAY,
    EVENT,
    SESSIONS,
    cancel_session,
    load_dialogue,
    move_session,
    registrations,
    take_part,
    work,
)
from tests.support.keys import keys_of
from tests.support.smtp import MailServer, ReceivedMail

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(params=["named", "discreet"])
def amina(request: pytest.FixtureRequest, app: Flask, client: Client, smtp: MailServer) -> Client:
    """A participant who gets invitations by mail."""
    load_dialogue(app, invitations=True)
    take_part(client, smtp, **({"discreet": "y"} if request.param == "discreet" else {}))
    return client


def secrets_of(app: Flask) -> list[str]:
    """What no calendar may hold: the keys of every kind, and the number that tells whose they are."""
    with app.app_context():
        public_id = registrations(AMINA)[0].public_id
    return [*keys_of(app, AMINA).values(), public_id]


def told_in(octets: bytes) -> str:
    """Everything a calendar says: its lines unfolded, and each value as a program reads it."""
    unfolded = octets.replace(b"\r\n ", b"").decode()
    values = [str(value) for part in Calendar.from_ical(octets).walk() for value in part.values()]
    return unquote(unfolded) + "\n".join(values)


def calendars_in(mails: list[ReceivedMail]) -> Iterator[bytes]:
    """Every calendar in these mails, as a file or as an invitation."""
    for mail in mails:
        for part in mail.message.walk():
            if part.get_content_type() in ("text/calendar", "application/ics"):
                payload = part.get_payload(decode=True)
                assert isinstance(payload, bytes)
                yield payload


def add_links(client: Client, path: str) -> list[str]:
    """The links of a page that add a session to a calendar of another company."""
    own = client.public_url
    links = [str(one["href"]) for one in client.page(path).all("a[href^=http]")]
    return [unquote(one) for one in links if not one.startswith(own) and "calendar" in one]


def fetched(app: Flask, client: Client) -> list[bytes]:
    """Every calendar that can be asked for."""
    with app.app_context():
        codes = {one.slug: one.code for one in db.session.query(EventSession)}
    feed = f"/feeds/{keys_of(app, AMINA)['feed']}.ics"
    shared = [f"{EVENT}calendar.ics", f"{EVENT}sessions.ics", *(f"{EVENT}sessions/{one}.ics" for one in SESSIONS)]
    answers = [client.get(path) for path in (*shared, feed, *(f"/my/sessions/{codes[one]}.ics" for one in SESSIONS))]
    assert [answer.status_code for answer in answers] == [200] * 7
    return [answer.data for answer in answers]


def test_no_calendar_holds_a_key(app: Flask, amina: Client, smtp: MailServer) -> None:
    calendars = fetched(app, amina)
    move_session(app, "human-rights", DAY)
    cancel_session(app, "civil-society")
    for wish in ({"calendar": "own"}, {"zone": "UTC"}):
        amina.submit(amina.page("/my/").form("form[action='/my/']"), **wish)
        work(app)
    mailed = list(calendars_in(smtp.mails))
    methods = {str(Calendar.from_ical(octets).get("METHOD")) for octets in mailed}
    assert methods == {"REQUEST", "CANCEL", "None"}
    told = "".join(told_in(octets) for octets in [*calendars, *mailed])
    assert [secret for secret in secrets_of(app) if secret in told] == []
    assert [path for path in ("/my/", "/prove/", "/unsubscribe/", "/feeds/") if path in told] == []


def test_no_link_to_a_calendar_of_another_company_holds_a_key(app: Flask, amina: Client) -> None:
    links = [*add_links(amina, EVENT), *add_links(amina, f"{EVENT}sessions/human-rights/"), *add_links(amina, "/my/")]
    assert len(links) >= 8
    assert [(secret, link) for secret in secrets_of(app) for link in links if secret in link] == []
