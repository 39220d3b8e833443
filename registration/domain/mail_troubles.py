"""The mails of one round of reminders, or of one announcement, that reached nobody; and sending them once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload

from registration.domain import mail_status, owed
from registration.errors import Refusal
from registration.extensions import db
from registration.models import Announcement, Delivery
from registration.models.delivery import DeliveryState

Which = Sequence[ColumnElement[bool]]
"""What holds for the mails of one round, or of one announcement."""
AGAIN = (DeliveryState.FAILED, DeliveryState.BOUNCED)
TROUBLED = (*AGAIN, DeliveryState.STOPPED)
SHOWN = 50


@dataclass(frozen=True)
class Troubles:
    """The newest mails that were refused, came back, or were not sent to an address that is stopped; how many more
    there are; and how many of all can be sent again."""

    mails: Sequence[Delivery]
    more: int
    again: int


def of_announcement(announcement: Announcement) -> Which:
    """Return what holds for the mails of an announcement."""
    return (Delivery.announcement_id == announcement.id,)


def troubles(which: Which, *, now: datetime) -> Troubles:
    """Return which of these mails reached nobody."""
    troubled = (*which, Delivery.state.in_(TROUBLED))
    newest = (
        select(Delivery)
        .where(*troubled)
        .order_by(Delivery.settled_at.desc(), Delivery.id.desc())
        .limit(SHOWN)
        .options(joinedload(Delivery.registration))
    )
    mails = db.session.scalars(newest).all()
    total = db.session.execute(select(func.count()).select_from(Delivery).where(*troubled)).scalar_one()
    return Troubles(mails, total - len(mails), len(_sendable(which, now=now)))


def send_again(which: Which, *, now: datetime) -> int:
    """Let those of these mails that failed or came back be sent once more, where they still say something and the
    address is not stopped. Returns how many."""
    sent = 0
    for one in _sendable(which, now=now):
        try:
            mail_status.send_again(one.registration, one.id, now=now)
        except Refusal:
            continue  # Something has happened to it just now.
        sent += 1
    return sent


def _sendable(which: Which, *, now: datetime) -> list[Delivery]:
    ids = db.session.scalars(select(Delivery.id).where(*which, Delivery.state.in_(AGAIN)).order_by(Delivery.id)).all()
    return [one for one in owed.read_ahead(ids).values() if owed.is_owed(one, now=now) and not _is_paused(one)]


def _is_paused(delivery: Delivery) -> bool:
    return delivery.rule is not None and delivery.rule.paused
