"""The outbox: mail is owed in the same commit as its cause, claimed with a lease, and settled one by one.

A worker claims a batch, reads each delivery again just before it sends, talks to the mail server with no transaction
open, looks once more before DATA whether anything has changed, and records the answer in a commit of its own. A worker
that dies loses its lease; the next one sends with the same Message-ID.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)

from registration.domain.statuses import is_of_us
from registration.domain.stopped import takes_no_mail
from registration.extensions import db
from registration.models import Delivery, Event, Registration, ReminderRule
from registration.models.delivery import DeliveryKind as Kind
from registration.models.delivery import DeliveryState

LEASE = timedelta(minutes=6)
"""At least twice what one mail may take where each answer of the mail server comes as late as its time-out allows
(`mail.answers`), by the monotonic clock of the process."""
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=10)
"""Between tries in the first hour: RFC 5321, 4.5.4.1, has senders try soon, and then back off."""
FIRST_TRIES = 8
"""After so many the first hour is over."""
HOURLY = timedelta(hours=1)
"""The longest wait of all. The RFC asks for half an hour at least; but a reminder is of use until its session."""
PERMANENT = 500
"""SMTP replies from here on are refusals for good (RFC 5321, 4.2.1: 5yz)."""
TRIES_OF_US = 8
"""How often, over most of an hour, somebody refuses us before a mail is given up for it."""


Marks = dict[int, tuple[object, ...]]
"""By delivery: what to compare."""


@dataclass(frozen=True)
class Outcome:
    """How a try ended. `code`: the SMTP status, None where the server could not be reached or did not answer;
    `status`: the enhanced status (RFC 3463) of a refusal, where it has one."""

    sent: bool
    code: int | None = None
    status: str | None = None

    def is_final(self, tries: int) -> bool:
        """Whether it is settled after so many tries: handed over, or refused for good.

        A refusal that may be of us, by a relay that is set wrong for a while, is believed only when it lasts.
        """
        if self.sent or self.code is None or self.code < PERMANENT:
            return self.sent
        return tries >= TRIES_OF_US or not is_of_us(self.status)


def claim(*, owner: str, limit: int, now: datetime) -> list[list[int]]:
    """Claim up to `limit` deliveries that are due, urgent ones first, for `owner` until the lease ends.

    Returns their ids in the order to send. Reminders that one person is due together come as one list: one mail; but
    those of a rule with words of its own by themselves.
    """
    due = (
        select(Delivery.id)
        .where(*_claimable(now))
        .order_by(Delivery.urgent.desc(), Delivery.next_try_at, Delivery.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    chosen = db.session.execute(due).scalars().all()
    if not chosen:
        return []
    db.session.execute(_lease(Delivery.id.in_(chosen), owner, now))
    people = select(Delivery.registration_id).where(Delivery.id.in_(chosen), Delivery.kind == Kind.REMINDER)
    siblings = select(Delivery.id).where(
        Delivery.registration_id.in_(people), Delivery.kind == Kind.REMINDER, *_claimable(now)
    )
    free = db.session.execute(siblings.with_for_update(skip_locked=True)).scalars().all()
    db.session.execute(_lease(Delivery.id.in_(free), owner, now))
    return _mails(owner, now)


def urgent_waits(*, now: datetime) -> bool:
    """Whether an urgent mail is due that nobody has claimed; in a transaction that ends with the look."""
    waiting = select(Delivery.id).where(Delivery.urgent, *_claimable(now))
    with db.engine.connect() as connection:
        return bool(connection.execute(select(waiting.exists())).scalar_one())


def marks(delivery_ids: Sequence[int], *, owner: str, now: datetime) -> Marks:
    """Return a mark of each of these deliveries that `owner` holds: it changes with whatever its mail is made from.

    That is the event with all below it, and the person's registration; what is not held any more has none. They are
    read as they are now, in a transaction that ends with the look.
    """
    with db.engine.connect() as connection:
        rows = connection.execute(_MARKS, {"ids": list(delivery_ids), "owner": owner, "now": now})
        return {delivery_id: tuple(mark) for delivery_id, *mark in rows}


def settle(
    delivery_ids: Sequence[int],
    outcome: Outcome,
    *,
    owner: str,
    digest: bytes | None = None,
    connection: Connection | None = None,
    now: datetime,
) -> None:
    """Record how the try of one mail ended. An owner whose lease went to another changes nothing.

    `digest`: that of the mail's Message-ID; a server that did not answer may have taken it too. `connection`: of a unit
    of work apart from the session.
    """
    values: dict[str, Any] = {
        "ids": list(delivery_ids),
        "owner": owner,
        "code": outcome.code,
        "status": outcome.status,
        "digest": digest,
        "now": now,
    }
    connection = connection or db.session.connection()
    tries = 1 if outcome.sent else 1 + (connection.execute(_TRIES, values).scalar_one() or 0)
    if outcome.is_final(tries):
        state = DeliveryState.SENT if outcome.sent else DeliveryState.FAILED
        connection.execute(_SETTLE, {**values, "state": state})
    else:
        connection.execute(_TRY_AGAIN, {**values, "next_try_at": now + wait_after(tries)})


def drop(delivery_ids: Sequence[int], *, owner: str, now: datetime) -> None:
    """Settle deliveries that are owed no longer: past their use, their cause is gone, or their address is stopped."""
    mine = and_(
        Delivery.id.in_(delivery_ids),
        Delivery.claimed_by == owner,
        Delivery.state == DeliveryState.WAITING,
    )
    stopped = exists().where(Registration.id == Delivery.registration_id, takes_no_mail())
    _update(
        mine, state=case((stopped, _state(DeliveryState.STOPPED)), else_=_state(DeliveryState.DROPPED)), settled_at=now
    )


def release(*, owner: str) -> None:
    """Give back at once what an owner has claimed and not settled, also what was taken back or stopped meanwhile."""
    _update(and_(Delivery.claimed_by == owner, Delivery.state.in_(_HELD)))


def wait_after(tries: int) -> timedelta:
    """Return how long to wait before the next try: doubling from one minute to ten, after the first hour from there to
    an hour, give or take a fifth."""
    if tries <= FIRST_TRIES:
        wait = min(FIRST_WAIT * (1 << (tries - 1)), LONGEST_WAIT)
    else:
        wait = min(LONGEST_WAIT * (1 << min(tries - FIRST_TRIES, 10)), HOURLY)
    return wait * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, not a secret


def _claimable(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Delivery.state == DeliveryState.WAITING,
        Delivery.next_try_at <= now,
        or_(Delivery.claimed_until.is_(None), Delivery.claimed_until <= now),
    )


def _lease(which: ColumnElement[bool], owner: str, now: datetime) -> Update:
    return (
        update(Delivery)
        .where(which)
        .values(claimed_by=owner, claimed_until=now + LEASE)
        .execution_options(synchronize_session=False)
    )


def _mails(owner: str, now: datetime) -> list[list[int]]:
    rows = db.session.execute(
        select(Delivery.id, Delivery.registration_id, Delivery.kind, ReminderRule.id, ReminderRule.text)
        .outerjoin(ReminderRule, ReminderRule.id == Delivery.rule_id)
        .where(
            Delivery.claimed_by == owner,
            Delivery.claimed_until > now,
            Delivery.state == DeliveryState.WAITING,
        )
        .order_by(Delivery.urgent.desc(), Delivery.next_try_at, Delivery.id)
    )
    mails: dict[object, list[int]] = {}
    for delivery_id, registration_id, kind, rule_id, own_text in rows:
        # A rule's own words go with its own sessions; what has ours may stand in one mail.
        key = (registration_id, rule_id if own_text else None) if kind is Kind.REMINDER else delivery_id
        mails.setdefault(key, []).append(delivery_id)
    return list(mails.values())


def _state(state: DeliveryState) -> ColumnElement[DeliveryState]:
    return literal(state, Delivery.state.type)


def _update(which: ColumnElement[bool], **values: object) -> None:
    db.session.execute(
        update(Delivery)
        .where(which)
        .values(claimed_by=None, claimed_until=None, **values)
        .execution_options(synchronize_session=False)
    )


_HELD = (DeliveryState.WAITING, DeliveryState.DROPPED, DeliveryState.STOPPED)
"""The states in which a claim can stand; an index finds them among all that was sent."""
_HELD_BY_OWNER = and_(Delivery.id.in_(bindparam("ids", expanding=True)), Delivery.claimed_by == bindparam("owner"))
_MARKS = (
    select(
        Delivery.id,
        Delivery.claimed_until,
        Registration.state,
        Registration.updated_at,
        Event.version,
    )
    .join(Registration, Registration.id == Delivery.registration_id)
    .join(Event, Event.id == Registration.event_id)
    .where(_HELD_BY_OWNER, Delivery.claimed_until > bindparam("now"), Delivery.state == DeliveryState.WAITING)
)
_TRIES = select(func.max(Delivery.tries)).where(_HELD_BY_OWNER)
_TRIED = (
    update(Delivery)
    .where(_HELD_BY_OWNER)
    .values(
        claimed_by=None,
        claimed_until=None,
        tries=Delivery.tries + 1,
        reply_code=bindparam("code"),
        reply_status=bindparam("status"),
        message_digest=func.coalesce(bindparam("digest"), Delivery.message_digest),
    )
)
_TRY_AGAIN = _TRIED.values(next_try_at=bindparam("next_try_at"))
_SETTLE = _TRIED.values(state=bindparam("state"), settled_at=bindparam("now"))
"""Made once: each runs for every mail."""
