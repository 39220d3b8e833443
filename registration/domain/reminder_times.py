"""When a reminder rule's mail about a session is due, and how long it is of use: arithmetic, no database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import NamedTuple

from registration.models import EventSession, ReminderRule
from registration.timezones import first_instant, to_wall


class When(NamedTuple):
    """So many minutes before the start; or at a wall time of the event's zone, so many days before the date there."""

    minutes_before: int | None = None
    days_before: int | None = None
    clock_time: time | None = None


class Span(NamedTuple):
    """From when on a rule's reminder of a session is due, and until when it is of use (aware, UTC)."""

    rule: ReminderRule
    due_at: datetime
    useful_until: datetime


def when_of(rule: ReminderRule) -> When:
    """Return when a rule reminds."""
    return When(rule.minutes_before, rule.days_before, rule.clock_time)


def wall_of(days_before: int, clock_time: time, session: EventSession) -> datetime:
    """Return the naive wall time, in the event's zone, so many days before the date on which a session starts there."""
    day = to_wall(session.starts_at, session.event.zone).date() - timedelta(days=days_before)
    return datetime.combine(day, clock_time)


def due_at(when: When, session: EventSession) -> datetime | None:
    """Return the instant (aware, UTC) at which a reminder of a session is due; None where it would not be before the
    start.

    Rules are refused at a wall time that does not exist or exists twice. A session that was moved since may bring one
    about: then it is the first of the two, or the first instant after the gap.
    """
    if when.minutes_before is not None:
        return session.starts_at - timedelta(minutes=when.minutes_before)
    if when.days_before is None or when.clock_time is None:
        return None
    due = first_instant(wall_of(when.days_before, when.clock_time, session), session.event.zone)
    return due if due < session.starts_at else None


def is_for(rule: ReminderRule, session: EventSession) -> bool:
    """Whether a rule is about a session."""
    return not rule.sessions or session.slug in rule.sessions


def spans(rules: Sequence[ReminderRule], session: EventSession) -> list[Span]:
    """Return when each rule's reminder of a session is due, and until when it is of use; without the rules that are
    not about it, or never due."""
    dues = [(rule, due) for rule in rules if is_for(rule, session) and (due := due_at(when_of(rule), session))]
    return [Span(rule, due, useful_until(rule, session, due, rules)) for rule, due in dues]


def useful_until(rule: ReminderRule, session: EventSession, due: datetime, rules: Sequence[ReminderRule]) -> datetime:
    """Return until when a rule's reminder that is due at `due` is of use: until another one is due to all the same
    people, else until the session is over. One that is paused, or for some of them alone, ends nothing."""
    others = [one for one in rules if not one.paused and is_for(one, session) and _reaches_all(one, rule)]
    dues = [due_at(when_of(one), session) for one in others]
    return min((other for other in dues if other and other > due), default=session.ends_at)


def _reaches_all(other: ReminderRule, rule: ReminderRule) -> bool:
    """Whether everybody whom `rule` reminds is among those whom `other` reminds."""
    return _includes(other.categories, rule.categories) and _includes(other.languages, rule.languages)


def _includes(wider: Sequence[str], narrower: Sequence[str]) -> bool:
    """Whether one list holds all of another; an empty one means all there are."""
    return not wider or (bool(narrower) and set(narrower) <= set(wider))
