"""A session's revisions: each keeps what participants could be told, so that old and new can be compared.

Edits are gathered: the first sets when participants are told, those that follow until then are told with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from registration.domain.programme import takes_place
from registration.models import EventSession, SessionRevision
from registration.models.programme import StreamKind

AT_ONCE_WITHIN = timedelta(hours=2)
"""Before a session that starts this soon, people are told of changes at once."""

Span = tuple[datetime, datetime]


def begin(session: EventSession, *, now: datetime) -> None:
    """Keep the first revision of a new session."""
    session.revisions.append(as_it_stands(session, now=now))


def add(session: EventSession, *, now: datetime) -> None:
    """Begin a session that is new to an event people may be registered for, and set when they are told."""
    begin(session, now=now)
    span = (session.starts_at, session.ends_at)
    session.notice_at = notice_time([span], minutes=session.event.notice_minutes, now=now)


def revise(session: EventSession, *, now: datetime) -> None:
    """Raise the revision of a session that has been changed, and set when its participants are told."""
    before = session.revisions[-1]
    session.revision += 1
    session.updated_at = now
    session.revisions.append(as_it_stands(session, now=now))
    spans = ((before.starts_at, before.ends_at), (session.starts_at, session.ends_at))
    due = notice_time(spans, minutes=session.event.notice_minutes, now=now)
    session.notice_at = min(due, session.notice_at or due)


def as_it_stands(session: EventSession, *, now: datetime) -> SessionRevision:
    """Return a session as a revision made `now`, which is in no database."""
    live = [
        {
            "audience": stream.audience.value,
            "language": stream.language,
            "url": stream.url,
            "categories": list(stream.categories),
        }
        for stream in session.streams
        if stream.kind is StreamKind.LIVE
    ]
    return SessionRevision(
        number=session.revision,
        event_title=session.event.title,
        title=session.title,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        takes_place=takes_place(session),
        streams=live,
        made_at=now,
    )


def notice_time(spans: Iterable[Span], *, minutes: int, now: datetime) -> datetime:
    """Return when to tell of a change made `now` to a session with these old and new (start, end).

    After so many minutes; at once if it starts, or would have started, within two hours, or is under way.
    """
    if any(start - AT_ONCE_WITHIN <= now < end for start, end in spans):
        return now
    return now + timedelta(minutes=minutes)
