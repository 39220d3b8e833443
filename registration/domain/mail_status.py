"""What has become of mails: how many are in each state, one person's in order, and sending one again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import selectinload

from registration.domain import invitations, owed
from registration.domain.stopped import stop_of
from registration.errors import NotFound, Refusal
from registration.extensions import db
from registration.models import Delivery, Registration
from registration.models.delivery import DeliveryKind, DeliveryState

NO_SUCH_MAIL = _l("There is no such mail; look for it among the mails of this person.")


@dataclass(frozen=True)
class Counts:
    """How many mails are in each state; a state's name is the field's."""

    waiting: int = 0
    sent: int = 0
    failed: int = 0
    dropped: int = 0
    bounced: int = 0
    stopped: int = 0

    @property
    def all(self) -> int:
        """How many there are."""
        return sum(vars(self).values())


@dataclass(frozen=True)
class Sent:
    """One mail of a person, and whether it can be sent again."""

    delivery: Delivery
    can_go_again: bool


def counts(*conditions: ColumnElement[bool]) -> Counts:
    """Return how many deliveries that meet all conditions are in each state, by one query.

    Conditions may speak of Delivery and of the Registration it is owed to.
    """
    rows = db.session.execute(
        select(Delivery.state, func.count())
        .join(Registration, Registration.id == Delivery.registration_id)
        .where(*conditions)
        .group_by(Delivery.state)
    )
    return Counts(**{state.value: number for state, number in rows})


def mails_of(registration: Registration, *, now: datetime) -> Sequence[Sent]:
    """Return all mails owed to somebody, the newest first."""
    query = (
        select(Delivery)
        .where(Delivery.registration_id == registration.id)
        .order_by(Delivery.due_at.desc(), Delivery.id.desc())
        .options(selectinload(Delivery.session), selectinload(Delivery.announcement))
    )
    is_stopped = stop_of(registration) is not None
    return [Sent(one, not is_stopped and _can_go_again(one, now=now)) for one in db.session.scalars(query)]


def send_again(registration: Registration, delivery_id: int, *, now: datetime) -> None:
    """Let one mail of this person be sent once more, under a new Message-ID, within the caller's unit of work.

    Raises Refusal where that makes no sense, and NotFound.
    """
    locked = select(Delivery).where(Delivery.id == delivery_id, Delivery.registration_id == registration.id)
    delivery = db.session.scalar(locked.with_for_update().execution_options(populate_existing=True))
    if delivery is None:
        raise NotFound(NO_SUCH_MAIL)
    if delivery.state is DeliveryState.WAITING:
        raise Refusal(_l("This mail is waiting to be sent already."))
    if stop_of(registration) is not None:
        raise Refusal(_l("This address takes no mail; first let it be written to again."))
    if not _can_go_again(delivery, now=now):
        raise Refusal(_l("This mail has nothing more to tell this person, so it is not sent again."))
    if not owed.is_owed(delivery, now=now):
        invitations.say_again(registration, delivery.session_id, now=now)
    _let_wait(delivery, now)


def came_too_late() -> ColumnElement[bool]:
    """Return the condition that a mail was not sent because its use was over. Others that were dropped were not needed
    any more."""
    return and_(Delivery.state == DeliveryState.DROPPED, Delivery.settled_at >= Delivery.useful_until)


def is_too_late(delivery: Delivery) -> bool:
    """Whether a mail that was dropped had outlived its use: `came_too_late` of one."""
    return delivery.settled_at is not None and delivery.settled_at >= delivery.useful_until


def _can_go_again(delivery: Delivery, *, now: datetime) -> bool:
    """Whether a mail is settled, and still right to send; an invitation also where it says nothing new."""
    if delivery.state is DeliveryState.WAITING:
        return False
    if owed.is_owed(delivery, now=now):
        return True
    session = delivery.session
    return (
        delivery.kind is DeliveryKind.INVITATION
        and session is not None
        and now < owed.useful_until(delivery)
        and invitations.can_say_again(delivery.registration, session)
    )


def _let_wait(delivery: Delivery, now: datetime) -> None:
    """Make a delivery wait as if it were new; what comes back of its earlier mail is not about this one."""
    delivery.state, delivery.settled_at = DeliveryState.WAITING, None
    delivery.resend += 1
    delivery.tries = 0
    delivery.due_at = delivery.next_try_at = now
    delivery.reply_code = delivery.reply_status = delivery.message_digest = None
    delivery.claimed_by = delivery.claimed_until = None
