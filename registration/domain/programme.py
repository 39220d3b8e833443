"""What there is to attend: looking up events and sessions."""

from __future__ import annotations

from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from registration.errors import NotFound
from registration.extensions import db
from registration.models import Event, EventSession
from registration.models.event import EventState
from registration.models.programme import SessionState


def event_called(slug: str) -> Event | None:
    """Return the event with this slug."""
    return db.session.execute(select(Event).where(Event.slug == slug)).scalar_one_or_none()


def event_named(slug: str) -> Event:
    """Return the event with this slug. Raises NotFound."""
    event = event_called(slug)
    if event is None:
        raise NotFound(_l("There is no such event; the list of events has them all."))
    return event


def all_events() -> list[Event]:
    """Return all events by slug."""
    return list(db.session.execute(select(Event).order_by(Event.slug)).scalars())


def session_called(event: Event, slug: str) -> EventSession:
    """Return a session of the event. Raises NotFound."""
    for session in event.sessions:
        if session.slug == slug:
            return session
    raise NotFound(_l("There is no such session; the event page lists them."))


def session_coded(code: str) -> EventSession:
    """Return the session with this neutral code. Raises NotFound."""
    found = db.session.execute(select(EventSession).where(EventSession.code == code)).scalar_one_or_none()
    if found is None:
        raise NotFound(_l("There is no such event; the list of events has them all."))
    return found


def takes_place(session: EventSession) -> bool:
    """Whether a session is on: neither it nor its whole event is cancelled."""
    return session.state is SessionState.SCHEDULED and session.event.state is not EventState.CANCELLED


def open_sessions(event: Event) -> list[EventSession]:
    """Return the sessions that take place, in order of time."""
    return [one for one in event.sessions if takes_place(one)]


def ends_at(event: Event) -> datetime:
    """Return when the last session ends (UTC), or when registration closes where there is none."""
    return max((one.ends_at for one in event.sessions), default=event.registration_closes)
