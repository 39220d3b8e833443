"""What everybody may see, and until when it stays as it is: rules and small look-ups for public pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Engine, Select, bindparam, select
from sqlalchemy.orm import selectinload

from registration.domain import clocks, livestream, programme
from registration.extensions import db
from registration.models import Event, EventSession
from registration.models.event import EventState

_VERSION = select(Event.version).where(Event.slug == bindparam("slug"), Event.state != EventState.DRAFT)
_VERSION_OF_CODE = (
    select(Event.version)
    .join(EventSession)
    .where(EventSession.code == bindparam("code"), Event.state != EventState.DRAFT)
)
_VERSIONS = select(Event.slug, Event.version).where(Event.state != EventState.DRAFT).order_by(Event.slug)


def shown_version(engine: Engine, slug: str) -> int | None:
    """Return the version of an event that everybody may see; None for drafts and where there is none."""
    return _scalar(engine, _VERSION, {"slug": slug})


def shown_version_of_code(engine: Engine, code: str) -> int | None:
    """Return the version of the shown event whose session has this neutral code."""
    return _scalar(engine, _VERSION_OF_CODE, {"code": code})


def shown_versions(engine: Engine) -> tuple[tuple[str, int], ...]:
    """Return (slug, version) of every event that everybody may see."""
    with engine.connect() as connection:
        return tuple((row.slug, row.version) for row in connection.execute(_VERSIONS))


def shown_events(*, now: datetime) -> tuple[list[Event], list[Event]]:
    """Return the events that everybody may see: those to come, the next first; those over, the last first."""
    rows = select(Event).where(Event.state != EventState.DRAFT).options(selectinload(Event.sessions))
    events = list(db.session.execute(rows).scalars())
    coming = [event for event in events if not is_past(event, now=now)]
    past = [event for event in events if is_past(event, now=now)]
    return sorted(coming, key=starts_at), sorted(past, key=programme.ends_at, reverse=True)


def is_past(event: Event, *, now: datetime) -> bool:
    """Whether an event belongs to the past: archived, or its last session has ended."""
    return event.state is EventState.ARCHIVED or now >= programme.ends_at(event)


def starts_at(event: Event) -> datetime:
    """Return when the first session starts (UTC), or when registration closes where there is none."""
    return min((one.starts_at for one in event.sessions), default=event.registration_closes)


def page_changes(event: Event) -> list[datetime]:
    """Return the instants (UTC) at which an event's public pages change by themselves."""
    phases = [moment for session in event.sessions for moment in livestream.phase_changes(session)]
    window = [event.registration_opens, event.registration_closes]
    goes = [clock.at for clock in clocks.clocks(event)]
    return sorted({*phases, *window, programme.ends_at(event), *goes, clocks.forget_at(event)})


def next_change(changes: Iterable[datetime], *, now: datetime) -> datetime | None:
    """Return the first of these instants that is still to come."""
    return min((moment for moment in changes if moment > now), default=None)


def _scalar(engine: Engine, statement: Select[int], values: dict[str, str]) -> int | None:
    with engine.connect() as connection:
        return connection.execute(statement, values).scalar()
