"""Where a session can be followed, and what its watch page shows: functions of (session, now, language, audience)."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime, timedelta

from registration.domain.programme import takes_place
from registration.models import EventSession, Registration, Stream
from registration.models.programme import Audience, StreamKind
from registration.models.registration import RegistrationState

DOORS_OPEN = timedelta(minutes=15)
"""The stream's button is there this long before the start."""
FLOOR = "floor"


class Phase(enum.StrEnum):
    """What a watch page shows."""

    BEFORE = "before"
    LIVE = "live"
    AFTER = "after"
    CANCELLED = "cancelled"


def phase(session: EventSession, *, now: datetime) -> Phase:
    """Return the phase of a session: live from 15 minutes before its start until its end."""
    if not takes_place(session):
        return Phase.CANCELLED
    if now < session.starts_at - DOORS_OPEN:
        return Phase.BEFORE
    return Phase.LIVE if now < session.ends_at else Phase.AFTER


def phase_changes(session: EventSession) -> tuple[datetime, datetime]:
    """Return the instants at which the phase changes by itself."""
    return session.starts_at - DOORS_OPEN, session.ends_at


def public_streams(session: EventSession, kind: StreamKind, language: str) -> list[Stream]:
    """Return the streams anybody may know, the reader's language first, then the floor, then the others."""
    found = [one for one in session.streams if one.audience is Audience.PUBLIC and one.kind is kind]
    return in_order(found, language)


def rooms(session: EventSession, registration: Registration) -> list[Stream]:
    """Return the interactive rooms of a session that takes place: for the confirmed of the room's categories."""
    if registration.state is not RegistrationState.CONFIRMED or not takes_place(session):
        return []
    found = [
        one
        for one in session.streams
        if one.audience is Audience.CONFIRMED and (not one.categories or registration.category.slug in one.categories)
    ]
    return in_order(found, registration.stream_language)


def stream_languages(sessions: Sequence[EventSession]) -> list[str]:
    """Return the languages the sessions' live streams are promised in, the floor first; the floor always is one."""
    offered = [one.language for session in sessions for one in session.streams if one.kind is StreamKind.LIVE]
    return list(dict.fromkeys([FLOOR, *offered]))


def in_order(streams: Sequence[Stream], language: str) -> list[Stream]:
    """Return the streams with the wished language first, then the floor, then as the event names them."""
    rank = {language: 0, FLOOR: 1}
    return sorted(streams, key=lambda one: (rank.get(one.language, 2), one.position))
