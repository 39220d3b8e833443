"""Every address at which a key opens something, and every key that somebody holds."""

from __future__ import annotations

from typing import NamedTuple

from flask import Flask

from registration.domain import accounts
from registration.domain.link_keys import LinkKind, key_for
from registration.extensions import db
from registration.models import Organizer, Registration
from tests.support.dialogue import registrations

PASSWORD = "password"


class Door(NamedTuple):
    """An address that takes a key of one kind, and what comes back for one that is good."""

    endpoint: str
    kind: str
    method: str
    path: str
    status: int


DOORS = [
    Door("signup.prove_page", LinkKind.PROVE, "GET", "/prove/{}/", 200),
    Door("participant.enter", LinkKind.MANAGE, "GET", "/my/{}/", 303),
    Door("calendar.own_feed", LinkKind.FEED, "GET", "/feeds/{}.ics", 200),
    Door("unsubscribe.page", LinkKind.UNSUBSCRIBE, "GET", "/unsubscribe/{}/", 200),
    Door("unsubscribe.undo", LinkKind.UNSUBSCRIBE, "POST", "/unsubscribe/{}/undo/", 303),
    Door("unsubscribe.stop", LinkKind.UNSUBSCRIBE, "POST", "/unsubscribe/{}/", 200),
    Door("organizer.password", PASSWORD, "GET", "/organizer/password/{}/", 303),
    Door("signup.prove", LinkKind.PROVE, "POST", "/prove/{}/", 303),
    # What has been proved just before is for its own page to erase.
    Door("signup.erase_unproved", LinkKind.PROVE, "POST", "/prove/{}/erase/", 409),
]
"""A good key may be tried at all of them in this order."""


def keys_of(app: Flask, address: str) -> dict[str, str]:
    """Somebody's keys of every kind, by the rules."""
    with app.app_context():
        return keys_of_row(registrations(address)[-1])


def keys_of_row(row: Registration) -> dict[str, str]:
    """The same, of a row; in the application's context."""
    return {kind.value: key_for(row, kind) for kind in LinkKind}


def password_key(app: Flask, address: str) -> str:
    """The key of an organizer's one-time link."""
    with app.app_context():
        found = [one for one in db.session.query(Organizer) if accounts.address_of(one) == address]
        return accounts.password_key(found[0])
