"""Crowds for trials: many confirmed participants, plainly invented, whose addresses end in .invalid (RFC 2606)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from itertools import count, islice
from typing import Any

from sqlalchemy import insert, select

from registration.domain.personal import Personal, address_hash, sealed
from registration.domain.programme import open_sessions
from registration.extensions import db
from registration.keys import new_public_id
from registration.models import Category, Event, EventSession, Invitation, Registration, SessionChoice
from registration.models.invitation import Standing
from registration.models.registration import PROVED, RegistrationState

MAX_CROWD = 1_000_000
BATCH = 5_000
NAMES = (
    "Ana",
    "Bao",
    "Chidi",
    "Dilnoza",
    "Elif",
    "Farid",
    "Gita",
    "Hana",
    "Ivo",
    "Jun",
    "Kofi",
    "Lía",
    "Mei",
    "Noor",
)
ZONES = ("America/New_York", "Europe/Zurich", "Asia/Kathmandu", "Africa/Nairobi", "Australia/Sydney")
COUNTRIES = ("NP", "KE", "ES", "OM", "AU", "BR", "IN", "US", "NG", "FJ")


def make_crowd(event: Event, size: int, *, now: datetime) -> None:
    """Add `size` confirmed registrations to the event, for all its sessions. Places are not looked at."""
    sessions = open_sessions(event)
    invented = islice(_rows(event, now), size)
    while rows := list(islice(invented, BATCH)):
        db.session.execute(insert(Registration), rows)
        ids = db.session.execute(
            select(Registration.id).where(Registration.public_id.in_([row["public_id"] for row in rows]))
        ).scalars()
        choices = [{"registration_id": one, "session_id": session.id} for one in ids for session in sessions]
        if choices:
            db.session.execute(insert(SessionChoice), choices)
            told = {session.id: _told(session, now) for session in sessions}
            db.session.execute(insert(Invitation), [{**one, **told[one["session_id"]]} for one in choices])


def _told(session: EventSession, now: datetime) -> dict[str, Any]:
    """What members of the crowd hold of a session, as if their mails had gone out; mails are owed for changes alone."""
    standing = Standing.INVITED if session.event.invitations else Standing.INFORMED
    return {"standing": standing, "revision": session.revision, "changed_at": now, "told_at": now}


def _rows(event: Event, now: datetime) -> Iterator[dict[str, Any]]:
    dice = random.Random(event.id)  # noqa: S311 - invented people, no secret
    for number in count():
        yield _row(event, dice.choice(event.categories), number, dice, now)


def _row(event: Event, category: Category, number: int, dice: random.Random, now: datetime) -> dict[str, Any]:
    public_id = new_public_id()
    country = dice.choice(COUNTRIES)
    personal = Personal(
        name=f"{dice.choice(NAMES)} Example {number}",
        address=f"participant-{public_id.lower()}@crowd.invalid",
        organization=f"Example Organization {number % 97}",
        answers={"country": country, "organization": f"Example Organization {number % 97}"},
    )
    return {
        "public_id": public_id,
        "event_id": event.id,
        "category_id": category.id,
        "address_hash": address_hash(personal.address),
        "claim": PROVED,
        "state": RegistrationState.CONFIRMED,
        "language": event.default_language,
        "stream_language": "floor",
        "zone": dice.choice(ZONES),
        "country": country,
        "discreet": False,
        "sealed": sealed(personal, public_id),
        "created_at": now,
        "updated_at": now,
        "proved_at": now,
        "confirmed_at": now,
    }
