"""Everybody who may ask, each in a browser of their own, and addresses at which something is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from registration.domain import accounts
from registration.domain.link_keys import LinkKind, key_for
from registration.extensions import db
from registration.models import EventSession
from registration.models.organizer import Role
from tests.support.announcements import write
from tests.support.client import Client
from tests.support.dialogue import AMINA, load_dialogue, registrations, sign_up, take_part
from tests.support.organizers import at_desk, make_organizer
from tests.support.routes import VALUES, addresses
from tests.support.smtp import MailServer

MAIL_BODIES = frozenset({"organizer.preview_body", "organizer.reminder_body"})
"""Not pages: a mail's HTML, shut in a frame."""
UNPROVED = "zenobia@example.org"


@dataclass(frozen=True)
class Everybody:
    """`browsers`: by who sits before them. `keys`: by the route that they open; `values`: of all other addresses."""

    app: Flask
    browsers: dict[str, Client]
    values: dict[str, object]
    keys: dict[str, str]

    def pages(self, method: str = "GET") -> Iterator[tuple[str, str]]:
        """(endpoint, path) of every route, with what is there in the address."""
        for endpoint, path in addresses(self.app, method, **self.values):
            yield endpoint, path.replace(str(VALUES["key"]), self.keys.get(endpoint, str(VALUES["key"])))

    def ask(self, who: str, path: str, method: str = "GET") -> TestResponse:
        """Ask for anything, also for what is no page."""
        browser = self.browsers[who]
        return FlaskClient.open(browser, browser.public_url + path, method=method)


def everybody(app: Flask, smtp: MailServer) -> Everybody:
    """The Dialogue with a participant, somebody unproved, a draft of an announcement, and organizers at their desks."""
    load_dialogue(app)
    participant, stranger = app.test_client(), app.test_client()
    assert isinstance(participant, Client)
    assert isinstance(stranger, Client)
    take_part(participant, smtp)
    sign_up(stranger, address=UNPROVED)
    owner = at_desk(app, Role.OWNER)
    write(owner)
    browsers = {
        "stranger": stranger,
        "participant": participant,
        "viewer": at_desk(app, Role.VIEWER),
        "owner": owner,
    }
    with app.app_context():
        amina, unproved = registrations(AMINA)[0], registrations(UNPROVED)[0]
        values = {"public_id": amina.public_id, "code": db.session.scalars(select(EventSession.code)).first()}
        keys = {
            "participant.enter": key_for(amina, LinkKind.MANAGE),
            "unsubscribe.page": key_for(amina, LinkKind.UNSUBSCRIBE),
            "calendar.own_feed": key_for(amina, LinkKind.FEED),
            "signup.prove_page": key_for(unproved, LinkKind.PROVE),
            "organizer.password": accounts.password_key(make_organizer("new@example.org", Role.VIEWER)),
        }
    return Everybody(app, browsers, values, keys)
