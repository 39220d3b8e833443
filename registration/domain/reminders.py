"""Reminders: made in one statement when they fall due, for those confirmed by then.

A rule's reminder of a session is due and of use as `reminder_times` says. Nothing is rescheduled: a moved session has
another start, and is reminded of anew. Whoever edits a rule holds its row; a sweep looks at it once more under a lock
that all sweeps share, so that after a pause nothing more is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, CursorResult, Select, String, exists, func, inspect, literal, select, update
from sqlalchemy.orm import selectinload

from registration.domain.masks import tells_apart
from registration.domain.programme import takes_place
from registration.domain.reminder_times import due_at, is_for, spans, useful_until, when_of
from registration.errors import NotFound, Refusal
from registration.extensions import db, insert_new, insert_selected
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

NOBODY_NEW = _l("There is nobody now who has not had this reminder of this session; nobody gets it twice.")


@dataclass(frozen=True)
class Due:
    """One rule's reminder of one session, due from `due_at` until `useful_until` (aware, UTC)."""

    rule: ReminderRule
    session: EventSession
    due_at: datetime
    useful_until: datetime


def due_reminders(event: Event, *, now: datetime) -> Iterator[Due]:
    """Yield what falls due at `now` for an event: rules that are not paused by sessions that take place."""
    for session in event.sessions:
        if session.state is not SessionState.SCHEDULED:
            continue
        for rule, begins_at, until in spans(event.reminder_rules, session):
            if not rule.paused and begins_at <= now < until:
                yield Due(rule, session, begins_at, until)


def not_made(*, now: datetime) -> list[Due]:
    """Return the rounds that have fallen due and are not made, those of what begins first in front.

    Where a worker runs, they are made within a second.
    """
    found = [due for event in _events_near(now) for due in due_reminders(event, now=now) if not _is_made(due)]
    return sorted(found, key=lambda due: (due.session.starts_at, due.session.id, due.rule.id))


def make_reminders(*, now: datetime) -> int:
    """Make all of them. Returns how many rounds were made."""
    keys = [(due.rule.id, due.session.id) for due in not_made(now=now)]
    return sum(make_round(rule_id, session_id, now=now) for rule_id, session_id in keys)


def make_round(rule_id: int, session_id: int, *, now: datetime) -> bool:
    """Make the deliveries of one rule's reminder of one session, if it is still due. Returns whether they were made.

    Nobody edits the rule until the unit of work ends.
    """
    shared = select(ReminderRule).where(ReminderRule.id == rule_id).with_for_update(read=True)
    rule = db.session.execute(shared.execution_options(populate_existing=True)).scalar_one_or_none()
    for due in due_reminders(rule.event, now=now) if rule else ():
        if (due.rule.id, due.session.id) == (rule_id, session_id) and not _is_made(due) and _begin_round(due, now):
            _make(due, now)
            return True
    return False


def send_now(rule: ReminderRule, session: EventSession, *, now: datetime) -> int:
    """Make a rule's reminders of a session at once, for all who are confirmed now and have not had it. Returns for how
    many.

    Where it is still to fall due, its round is made then all the same, for those who are confirmed by then. Raises
    Refusal where nobody is to be reminded, or nobody new.
    """
    locked = select(ReminderRule).where(ReminderRule.id == id_of(rule)).with_for_update(key_share=True)
    if db.session.execute(locked.execution_options(populate_existing=True)).scalar() is None:
        raise NotFound(_l("This reminder has been deleted in the meantime; the list of reminders has those there are."))
    for refusal in refusals(rule, session, now=now):
        raise refusal
    due = _due_now(rule, session, now)
    people = _make(due, now)
    if not people:
        raise Refusal(NOBODY_NEW)
    planned = due_at(when_of(rule), session)
    if planned is None or planned <= now:
        _begin_round(due, now)
    return people


def not_reminded(rule: ReminderRule, session: EventSession, *, now: datetime) -> int:
    """Return how many `send_now` would remind."""
    had = exists().where(
        *of_round(rule, session, session.starts_at),
        Delivery.registration_id == Registration.id,
        Delivery.state != DeliveryState.DROPPED,
    )
    people = _reminded(_due_now(rule, session, now)).where(~had)
    return db.session.execute(select(func.count()).select_from(people.subquery())).scalar_one()


def _due_now(rule: ReminderRule, session: EventSession, now: datetime) -> Due:
    """Return a reminder ahead of its time: another rule's ends its use, its own time does not."""
    others = [one for one in rule.event.reminder_rules if one is not rule]
    return Due(rule, session, now, useful_until(rule, session, now, others))


def id_of(rule: ReminderRule) -> int:
    """Return a rule's number, also where the rule may be gone."""
    return cast("tuple[int]", inspect(rule).identity)[0]


def refusals(rule: ReminderRule, session: EventSession, *, now: datetime) -> Iterator[Refusal]:
    """Yield why a rule cannot remind of a session at `now`."""
    if session.event.state is not EventState.PUBLISHED:
        yield Refusal(_l("The event is not published: nobody is reminded of it."))
    if not takes_place(session) or session.ends_at <= now:
        yield Refusal(_l("This session is cancelled or over: nobody is reminded of it."))
    if not is_for(rule, session):
        yield Refusal(_l("This reminder is not about this session; choose the session in its form first."))
    if rule.paused:
        yield Refusal(_l("This reminder is paused; resume it first."))


def wanting(event_id: int) -> tuple[ColumnElement[bool], ...]:
    """Return what holds for whoever may be reminded, for a query that joins Registration and SessionChoice."""
    return (
        Registration.event_id == event_id,
        Registration.state == RegistrationState.CONFIRMED,
        Registration.unsubscribed_at.is_(None),
    )


def of_round(rule: ReminderRule, session: EventSession, starts_at: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return what holds for the mails of one rule for one start of one session."""
    return (
        Delivery.rule_id == rule.id,
        Delivery.session_id == session.id,
        Delivery.starts_at == starts_at,
    )


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


def _make(due: Due, now: datetime) -> int:
    """One INSERT ... SELECT of all who were confirmed before it fell due, and want this session and reminders.

    Who has had this very reminder is left out by its key; what was taken back waits again. Returns how many are made.
    """
    people = _reminded(due)
    waits_again = _let_wait_again(due, people, now)
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
        "told_apart": literal(_tells_apart(due)),
    }
    return waits_again + insert_selected(Delivery, values, people.with_only_columns(*values.values()))


def _tells_apart(due: Due) -> bool:
    """Whether to be among these tells in which category at risk somebody is: the rule is for some of them, or was when
    others were reminded by it of the same."""
    before = exists().where(*of_round(due.rule, due.session, due.session.starts_at), Delivery.told_apart)
    return tells_apart(due.rule.event, due.rule.categories) or bool(db.session.scalar(select(before)))


def _reminded(due: Due) -> Select[int]:
    """Select the ids of all who are to be reminded."""
    return (
        select(Registration.id)
        .join(SessionChoice, SessionChoice.registration_id == Registration.id)
        .where(
            *wanting(due.session.event_id),
            *_chosen_by(due.rule),
            Registration.confirmed_at <= due.due_at,
            SessionChoice.session_id == due.session.id,
        )
    )


def _let_wait_again(due: Due, people: Select[int], now: datetime) -> int:
    """Let wait what was taken back, or came too late by an earlier time of the rule. Returns how many.

    A worker's hold on a mail stays: until it is over or given back nobody else sends it, and if the mail has left
    after all the worker records that.
    """
    taken_back = (
        *of_round(due.rule, due.session, due.session.starts_at),
        Delivery.state == DeliveryState.DROPPED,
        Delivery.registration_id.in_(people),
    )
    waiting = {"state": DeliveryState.WAITING, "settled_at": None, "next_try_at": now}
    again = update(Delivery).where(*taken_back).values(due_at=due.due_at, useful_until=due.useful_until, **waiting)
    done = db.session.execute(again, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", done).rowcount


def _chosen_by(rule: ReminderRule) -> Iterator[ColumnElement[bool]]:
    """Yield what holds for the registrations that a rule is for."""
    if rule.categories:
        of_event = select(Category.id).where(Category.event_id == rule.event_id, Category.slug.in_(rule.categories))
        yield Registration.category_id.in_(of_event)
    if rule.languages:
        yield Registration.language.in_(rule.languages)
