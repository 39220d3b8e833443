"""How an event's reminders stand: for each rule and session whether it is planned, being sent, sent or missed, and how
many people it reaches. A page asks the database three times, however many there are.
"""

from __future__ import annotations

import enum
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import false, func, select

from registration.domain import mail_status
from registration.domain.programme import takes_place
from registration.domain.reminder_times import due_at, is_for, useful_until, when_of
from registration.domain.reminders import wanting
from registration.extensions import db
from registration.models import Delivery, Event, EventSession, Registration, ReminderRound, ReminderRule
from registration.models import SessionChoice as Choice
from registration.models.delivery import DeliveryState
from registration.models.event import EventState

Key = tuple[int, int, datetime]
"""A round: rule, session, start."""
LEFT = (DeliveryState.SENT, DeliveryState.BOUNCED)


class RoundState(enum.StrEnum):
    """Where one rule's reminders of one start of one session stand."""

    PLANNED = "planned"
    PAUSED = "paused"
    SENDING = "sending"
    SENT = "sent"
    MISSED = "missed"
    """Its time went by and nobody got it: it was paused, no worker ran, or the mail server took nothing."""
    OFF = "off"
    """The session does not take place, or its event is not published."""
    NEVER = "never"
    """Its clock time is not before the session's start."""


class Reached(NamedTuple):
    """So many people whom a session's reminders may reach, of one category and language."""

    session_id: int
    category_id: int
    language: str
    people: int


@dataclass(frozen=True)
class Round:
    """One rule's reminders of one start of one session. `people`: how many would get them now; `mails`: how those fare
    that were made; `missed`: how many of the dropped ones came too late; `made_at`: when it was made, not those sent
    ahead of its time."""

    rule: ReminderRule
    session: EventSession
    starts_at: datetime
    state: RoundState
    due_at: datetime | None
    made_at: datetime | None
    people: int
    mails: Counter[DeliveryState]
    missed: int

    @property
    def not_needed(self) -> int:
        """How many were dropped because they were owed no longer."""
        return self.mails[DeliveryState.DROPPED] - self.missed

    @property
    def is_old(self) -> bool:
        """Whether the session has another start now."""
        return self.starts_at != self.session.starts_at


@dataclass(frozen=True)
class Reminders:
    """All rounds of an event, and whom its sessions' reminders may reach."""

    rounds: Sequence[Round]
    reached: Sequence[Reached]

    def of(self, rule: ReminderRule) -> list[Round]:
        """Return the rounds of one rule, by session."""
        return [one for one in self.rounds if one.rule.id == rule.id]

    def people(self, rule: ReminderRule, session: EventSession) -> list[Reached]:
        """Return whom a rule's reminder of a session reaches now."""
        return list(_reached_by(self.reached, rule, session))


def reminders_of(event: Event, *, now: datetime) -> Reminders:
    """Return how all reminders of an event stand at `now`."""
    found = _Found(*_mails(event), _made(event), _reached(event))
    pairs = itertools.product(event.reminder_rules, event.sessions)
    return Reminders([one for pair in pairs for one in _rounds(*pair, found, now)], found.reached)


@dataclass(frozen=True)
class _Found:
    """What the database holds of an event's rounds."""

    mails: dict[Key, Counter[DeliveryState]]
    missed: Counter[Key]
    made: dict[Key, datetime]
    reached: Sequence[Reached]


def _rounds(rule: ReminderRule, session: EventSession, found: _Found, now: datetime) -> Iterator[Round]:
    """Yield the round of a session's start, and before it those of earlier starts that somebody was reminded of."""
    keys = {key for key in (*found.mails, *found.made) if key[:2] == (rule.id, session.id)}
    standing = (rule.id, session.id, session.starts_at)
    for key in sorted(keys - {standing}):
        mails, missed = found.mails.get(key, Counter()), found.missed[key]
        state = _made_state(mails, is_past_use=missed > 0)
        yield Round(rule, session, key[2], state, None, found.made.get(key), 0, mails, missed)
    if is_for(rule, session) or standing in keys:
        yield _standing_round(rule, session, found, now)


def _standing_round(rule: ReminderRule, session: EventSession, found: _Found, now: datetime) -> Round:
    key = (rule.id, session.id, session.starts_at)
    due, made_at, mails = due_at(when_of(rule), session), found.made.get(key), found.mails.get(key, Counter())
    useful = useful_until(rule, session, due or made_at or session.starts_at, session.event.reminder_rules)
    state = None if made_at else _unmade(rule, session, due, is_past_use=now >= useful)
    if state is None or mails[DeliveryState.WAITING] or (state is RoundState.MISSED and mails):
        state = _made_state(mails, is_past_use=now >= useful)
    people = sum(one.people for one in _reached_by(found.reached, rule, session))
    return Round(rule, session, session.starts_at, state, due, made_at, people, mails, found.missed[key])


def _made_state(mails: Counter[DeliveryState], *, is_past_use: bool) -> RoundState:
    """Return where a round stands of which mails were made, or nobody was to have one."""
    if mails[DeliveryState.WAITING]:
        return RoundState.SENDING
    if mails and is_past_use and not any(mails[state] for state in LEFT):
        return RoundState.MISSED
    return RoundState.SENT


def _unmade(rule: ReminderRule, session: EventSession, due: datetime | None, *, is_past_use: bool) -> RoundState:
    """Return where a round stands that has not been made."""
    if not takes_place(session) or session.event.state is not EventState.PUBLISHED:
        return RoundState.OFF
    if due is None:
        return RoundState.NEVER
    if is_past_use:
        return RoundState.MISSED
    return RoundState.PAUSED if rule.paused else RoundState.PLANNED


def _reached_by(reached: Sequence[Reached], rule: ReminderRule, session: EventSession) -> Iterator[Reached]:
    ids = {one.id for one in session.event.categories if not rule.categories or one.slug in rule.categories}
    for one in reached:
        in_group = one.category_id in ids and (not rule.languages or one.language in rule.languages)
        if one.session_id == session.id and in_group:
            yield one


def _mails(event: Event) -> tuple[dict[Key, Counter[DeliveryState]], Counter[Key]]:
    """Return how the mails of each round fare, and how many of those that were dropped came too late."""
    too_late = func.coalesce(mail_status.came_too_late(), false())
    columns = (Delivery.rule_id, Delivery.session_id, Delivery.starts_at, Delivery.state, too_late)
    ids = [rule.id for rule in event.reminder_rules]
    counted = select(*columns, func.count()).where(Delivery.rule_id.in_(ids)).group_by(*columns)
    found: defaultdict[Any, Counter[DeliveryState]] = defaultdict(Counter)
    missed: Counter[Any] = Counter()
    for rule_id, session_id, starts_at, state, is_late, number in db.session.execute(counted):
        found[rule_id, session_id, starts_at][state] += number
        missed[rule_id, session_id, starts_at] += number if is_late else 0
    return dict(found), missed


def _made(event: Event) -> dict[Key, datetime]:
    """Return when each round was made."""
    ids = [rule.id for rule in event.reminder_rules]
    rounds = db.session.execute(select(ReminderRound).where(ReminderRound.rule_id.in_(ids))).scalars()
    return {(one.rule_id, one.session_id, one.starts_at): one.made_at for one in rounds}


def _reached(event: Event) -> list[Reached]:
    """Return how many may be reminded of each session, by category and language."""
    columns = (Choice.session_id, Registration.category_id, Registration.language)
    counted = (
        select(*columns, func.count())
        .join(Registration, Registration.id == Choice.registration_id)
        .where(*wanting(event.id))
        .group_by(*columns)
        .order_by(*columns)
    )
    return [Reached(*row) for row in db.session.execute(counted)]
