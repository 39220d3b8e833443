"""The mails of announcements: made once, in one statement, for whoever is in the group then; and what came of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import String, func, insert, literal, select

from registration.domain.announcement_content import group_of
from registration.domain.announcements import Stage
from registration.domain.groups import conditions
from registration.domain.masks import tells_apart
from registration.domain.programme import ends_at
from registration.extensions import db
from registration.models import Announcement, Delivery, Registration
from registration.models.delivery import DeliveryKind, DeliveryState
from registration.models.event import EventState
from registration.models.types import UtcDateTime, words

USEFUL_FOR = timedelta(days=3)
"""For how long a mail is tried, or until a day after the event if that is later."""


@dataclass(frozen=True)
class Progress:
    """Where an announcement stands, and how many of its mails are in which state."""

    stage: Stage
    mails: Counter[DeliveryState]

    @property
    def not_sent(self) -> int:
        """How many were not sent, for they were owed no longer, or the address is stopped."""
        return self.mails[DeliveryState.DROPPED] + self.mails[DeliveryState.STOPPED]


def due(*, now: datetime) -> Sequence[int]:
    """Return the ids of the announcements whose mails are to be made."""
    query = select(Announcement.id).where(Announcement.send_at <= now, Announcement.made_at.is_(None))
    return db.session.execute(query.order_by(Announcement.send_at, Announcement.id)).scalars().all()


def make(announcement_id: int, *, now: datetime) -> bool:
    """Make the mails of an announcement that is due; in a unit of work. Returns whether they were made just now.

    Where another worker has made them, or they are due no longer, nothing is done. If its event has become a draft
    meanwhile, so does the announcement.
    """
    announcement = db.session.execute(
        select(Announcement)
        .where(Announcement.id == announcement_id, Announcement.send_at <= now, Announcement.made_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if announcement is None:
        return False
    if announcement.event.state is EventState.DRAFT:
        announcement.send_at = None
        return False
    _owe_to_all(announcement, now=now)
    announcement.made_at = now
    return True


def progress(announcements: Sequence[Announcement], *, now: datetime) -> dict[int, Progress]:
    """Return {announcement id: where it stands}, by one query for all."""
    mails: dict[int | None, Counter[DeliveryState]] = {one.id: Counter() for one in announcements}
    rows = db.session.execute(
        select(Delivery.announcement_id, Delivery.state, func.count())
        .where(Delivery.announcement_id.in_(mails))
        .group_by(Delivery.announcement_id, Delivery.state)
    )
    for announcement_id, state, number in rows:
        mails[announcement_id][state] = number
    return {one.id: Progress(_stage(one, mails[one.id], now), mails[one.id]) for one in announcements}


def messages_to(registration: Registration) -> list[tuple[Announcement, datetime]]:
    """Return what was announced to somebody and when, the newest first."""
    query = (
        select(Announcement, Delivery.due_at)
        .join(Delivery, Delivery.announcement_id == Announcement.id)
        .where(Delivery.registration_id == registration.id)
        .order_by(Delivery.due_at.desc(), Announcement.id.desc())
    )
    return [(announcement, due_at) for announcement, due_at in db.session.execute(query)]


def _stage(announcement: Announcement, mails: Counter[DeliveryState], now: datetime) -> Stage:
    if announcement.send_at is None:
        return Stage.DRAFT
    if announcement.made_at is not None:
        return Stage.SENDING if mails[DeliveryState.WAITING] else Stage.SENT
    return Stage.LEAVING if now < announcement.send_at else Stage.SENDING


def _owe_to_all(announcement: Announcement, *, now: datetime) -> None:
    """One INSERT ... SELECT of all who are in the group and want such mail."""
    send_at = announcement.send_at or now
    useful_until = max(send_at + USEFUL_FOR, ends_at(announcement.event) + timedelta(days=1))
    key = literal("announcement/", String) + Registration.public_id + literal(f"/{announcement.id}", String)
    values = {
        "key": key,
        "kind": literal(DeliveryKind.ANNOUNCEMENT, words(DeliveryKind)),
        "registration_id": Registration.id,
        "announcement_id": literal(announcement.id),
        "state": literal(DeliveryState.WAITING, words(DeliveryState)),
        "urgent": literal(False),
        "resend": literal(0),
        "due_at": literal(send_at, UtcDateTime),
        "useful_until": literal(useful_until, UtcDateTime),
        "next_try_at": literal(now, UtcDateTime),
        "tries": literal(0),
        "told_apart": literal(tells_apart(announcement.event, announcement.categories)),
    }
    chosen = select(*values.values()).where(
        *conditions(announcement.event, group_of(announcement)), Registration.unsubscribed_at.is_(None)
    )
    db.session.execute(insert(Delivery).from_select(list(values), chosen))
