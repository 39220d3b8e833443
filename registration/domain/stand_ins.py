"""Stand-ins: registrations that are in no database, for looking at a mail before anybody gets it.

A preview shows no key of a real person's: a stand-in has a public id of its own, so the links in its mail open nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _

from registration.domain.personal import Personal, open_personal, seal_into
from registration.keys import new_public_id
from registration.models import Category, Event, EventSession, Registration, SessionChoice
from registration.models.registration import PROVED, RegistrationState

ADDRESS = "participant@example.org"
"""Where a stand-in's mail would go: nowhere (RFC 2606)."""


def invented(
    event: Event, *, language: str, category: Category, sessions: Sequence[EventSession], zone: str, now: datetime
) -> Registration:
    """Return a confirmed participant who does not exist, with these sessions, in this language and zone."""
    made = _unsaved(event, category, sessions, now)
    made.language, made.zone, made.stream_language = language, zone, "floor"
    made.discreet, made.country = False, ""
    seal_into(made, Personal(name=_("Participant’s name"), address=ADDRESS))
    return made


def instead_of(registration: Registration, *, now: datetime) -> Registration:
    """Return somebody who is told just what this participant is told, but for the address and the keys in links."""
    sessions = [choice.session for choice in registration.choices]
    made = _unsaved(registration.event, registration.category, sessions, now)
    made.language, made.zone = registration.language, registration.zone
    made.stream_language, made.country = registration.stream_language, registration.country
    made.discreet, made.state = registration.discreet, registration.state
    personal = open_personal(registration)
    seal_into(made, Personal(name=personal.name, address=ADDRESS, neutral_title=personal.neutral_title))
    return made


def _unsaved(event: Event, category: Category, sessions: Sequence[EventSession], now: datetime) -> Registration:
    """Return a registration that no session of the database knows; its look-ups find no row either."""
    return Registration(
        public_id=new_public_id(),
        event_id=event.id,
        event=event,
        category_id=category.id,
        category=category,
        address_hash=b"",
        claim=PROVED,
        state=RegistrationState.CONFIRMED,
        invitations=False,
        manage_generation=0,
        feed_generation=0,
        feed_on=False,
        created_at=now,
        updated_at=now,
        choices=[SessionChoice(session_id=one.id, session=one) for one in sessions],
    )
