"""Reminders: made in one statement when they fall due, for those confirmed by then.

A reminder is due so many minutes before a session and useful until the next rule's is due, the last one until the
session is over. Nothing is rescheduled: a moved session has another start, and is reminded of anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Insert, String, and_, cast, exists, insert, literal, select
from sqlalchemy.orm import selectinload

from registration.extensions import db, insert_new
from registration.models import (
    Category,
    Delivery,
    Event,
    EventSession,
    Registration,
    ReminderRound,
    ReminderRule,
    SessionChoice,
)
from registration.models.delivery import DeliveryKind, DeliveryState
from registration.models.event import EventState
from registration.models.programme import SessionState
from registration.models.registration import RegistrationState
from registration.models.types import UtcDateTime, words


@dataclass(frozen=True)
class Due:
    """One rule's reminder of one session, due from `due_at` until `useful_until` (aware, UTC)."""

    rule: ReminderRule
    session: EventSession
    due_at: datetime
    useful_until: datetime


def reminder_times(
    minutes_before: list[int], starts_at: datetime, ends_at: datetime
) -> list[tuple[datetime, datetime]]:
    """Return (due, useful until) for each rule's minutes: until the next one is due, or the session over."""
    dues = [starts_at - timedelta(minutes=minutes) for minutes in minutes_before]
    return [(due, min((other for other in dues if other > due), default=ends_at)) for due in dues]


def due_reminders(event: Event, *, now: datetime) -> Iterator[Due]:
    """Yield what falls due at `now` for an event: rules by sessions that take place."""
    rules = [rule for rule in event.reminder_rules if rule.minutes_before is not None]
    for session in event.sessions:
        if session.state is not SessionState.SCHEDULED:
            continue
        times = reminder_times([rule.minutes_before or 0 for rule in rules], session.starts_at, session.ends_at)
        for rule, (due_at, useful_until) in zip(rules, times, strict=True):
            if due_at <= now < useful_until:
                yield Due(rule, session, due_at, useful_until)


def make_reminders(*, now: datetime) -> int:
    """Make the deliveries of every reminder that falls due, those of what begins first in front. Returns how many
    rounds were made."""
    made = 0
    all_due = [due for event in _events_near(now) for due in due_reminders(event, now=now)]
    for due in sorted(all_due, key=lambda due: due.session.starts_at):
        if not _is_made(due) and _begin_round(due, now):
            db.session.execute(_deliveries(due, now))
            made += 1
    return made


def _events_near(now: datetime) -> list[Event]:
    return list(
        db.session.execute(
            select(Event)
            .where(
                Event.state == EventState.PUBLISHED,
                exists().where(EventSession.event_id == Event.id, EventSession.ends_at > now),
            )
            .options(selectinload(Event.sessions), selectinload(Event.reminder_rules))
        ).scalars()
    )


def _begin_round(due: Due, now: datetime) -> bool:
    """Note that this round is made; where another worker has just done so, it is theirs."""
    rule_id, session_id, starts_at = due.rule.id, due.session.id, due.session.starts_at
    return insert_new(
        ReminderRound, {"rule_id": rule_id, "session_id": session_id, "starts_at": starts_at, "made_at": now}
    )


def _is_made(due: Due) -> bool:
    key = (due.rule.id, due.session.id, due.session.starts_at)
    return db.session.get(ReminderRound, key) is not None


def _deliveries(due: Due, now: datetime) -> Insert:
    """One INSERT ... SELECT of all who were confirmed before it fell due and want this session."""
    start = f"{due.session.starts_at:%Y-%m-%dT%H:%MZ}"
    key = (
        literal("reminder/", String)
        + Registration.public_id
        + literal(f"/{due.session.id}/{due.rule.id}/{start}", String)
    )
    values = {
        "key": key,
        "kind": literal(DeliveryKind.REMINDER, words(DeliveryKind)),
        "registration_id": Registration.id,
        "session_id": literal(due.session.id),
        "rule_id": literal(due.rule.id),
        "starts_at": literal(due.session.starts_at, UtcDateTime),
        "state": literal(DeliveryState.WAITING, words(DeliveryState)),
        "urgent": literal(False),
        "resend": literal(0),
        "due_at": literal(due.due_at, UtcDateTime),
        "useful_until": literal(due.useful_until, UtcDateTime),
        "next_try_at": literal(now, UtcDateTime),
        "tries": literal(0),
    }
    chosen = (
        select(*values.values())
        .join(SessionChoice, SessionChoice.registration_id == Registration.id)
        .where(
            Registration.event_id == due.session.event_id,
            Registration.state == RegistrationState.CONFIRMED,
            Registration.confirmed_at <= due.due_at,
            SessionChoice.session_id == due.session.id,
            ~exists().where(Delivery.key == cast(key, String)),
        )
    )
    if due.rule.categories:
        chosen = chosen.join(
            Category,
            and_(Category.id == Registration.category_id, Category.slug.in_(due.rule.categories)),
        )
    return insert(Delivery).from_select(list(values), chosen)
