"""Forgetting: after an event and its retention days personal data goes; numbers stay."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, exists, or_, select

from registration.domain import exports, figures, stopped, submissions, unmasking
from registration.domain.programme import ends_at
from registration.extensions import db
from registration.models import Announcement, Event, Registration


def forget_at(event: Event) -> datetime:
    """Return when the personal data of an event goes: its last session's end plus its retention days (UTC)."""
    return ends_at(event) + timedelta(days=event.retention_days)


def purge(*, now: datetime) -> list[tuple[str, int]]:
    """Delete the registrations of every event whose time is over, keeping rough numbers, the words in its books of
    exports and looks, the stopped addresses that nobody has any more, and its announcements, which may name people.

    Returns (event slug, registrations deleted) of each event of which there was something to forget.
    """
    has = [exists().where(model.event_id == Event.id) for model in (Registration, Announcement)]
    with_people = select(Event).where(or_(*has, exports.holds_words(), unmasking.holds_words()))
    over = [event for event in db.session.execute(with_people).scalars() if forget_at(event) <= now]
    forgotten = [(event.slug, _forget(event)) for event in over]
    if forgotten:
        stopped.forget_strangers()
    return forgotten


def _forget(event: Event) -> int:
    submissions.forget(event.id)
    exports.forget_words(event)
    unmasking.forget_words(event)
    db.session.execute(delete(Announcement).where(Announcement.event_id == event.id))
    event.kept_numbers = figures.to_keep(event) or event.kept_numbers
    result = db.session.execute(
        delete(Registration).where(Registration.event_id == event.id).execution_options(synchronize_session=False)
    )
    return result.rowcount  # type: ignore[attr-defined,no-any-return]
