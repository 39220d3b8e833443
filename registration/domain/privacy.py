"""Forgetting: after an event and its retention days personal data goes; numbers stay."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, func, or_, select

from registration.domain import exports, stopped, submissions
from registration.domain.programme import ends_at
from registration.extensions import db
from registration.models import Announcement, Category, Event, Registration


def forget_at(event: Event) -> datetime:
    """Return when the personal data of an event goes: its last session's end plus its retention days (UTC)."""
    return ends_at(event) + timedelta(days=event.retention_days)


def purge(*, now: datetime) -> list[tuple[str, int]]:
    """Delete the registrations of every event whose time is over, keeping their numbers, the words in its book of
    exports, the stopped addresses that nobody has any more, and its announcements, which may name people.

    Returns (event slug, registrations deleted) of each event of which there was something to forget.
    """
    has = [exists().where(model.event_id == Event.id) for model in (Registration, Announcement)]
    with_people = select(Event).where(or_(*has, exports.holds_words()))
    over = [event for event in db.session.execute(with_people).scalars() if forget_at(event) <= now]
    forgotten = [(event.slug, _forget(event)) for event in over]
    if forgotten:
        stopped.forget_strangers()
    return forgotten


def numbers(event_id: int) -> dict[str, dict[str, int]]:
    """Return {category slug: {state: count}} of an event's registrations."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    rows = db.session.execute(
        select(Category.slug, Registration.state, func.count())
        .join(Category, Category.id == Registration.category_id)
        .where(Registration.event_id == event_id)
        .group_by(Category.slug, Registration.state)
    )
    for slug, state, count in rows:
        found[slug][state.value] = count
    return dict(found)


def _forget(event: Event) -> int:
    submissions.forget(event.id)
    exports.forget_words(event)
    db.session.execute(delete(Announcement).where(Announcement.event_id == event.id))
    event.kept_numbers = numbers(event.id) or event.kept_numbers
    result = db.session.execute(
        delete(Registration).where(Registration.event_id == event.id).execution_options(synchronize_session=False)
    )
    return result.rowcount  # type: ignore[attr-defined,no-any-return]
