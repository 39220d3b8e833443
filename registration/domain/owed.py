"""Whether a delivery is still owed, asked again just before it is sent: nothing leaves that has become wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from registration.domain import invitations, owing
from registration.domain.programme import takes_place
from registration.domain.stopped import stop_of, takes_no_mail
from registration.extensions import db
from registration.models import Delivery, Event, EventSession, Invitation, Registration
from registration.models.delivery import DeliveryKind as Kind
from registration.models.delivery import DeliveryState
from registration.models.event import EventState
from registration.models.registration import RegistrationState as State

STATE_TOLD = {
    Kind.PROVE: (State.UNVERIFIED,),
    Kind.IN_REVIEW: (State.IN_REVIEW,),
    Kind.WAITING: (State.WAITING,),
    Kind.CONFIRMED: (State.CONFIRMED,),
    Kind.DECLINED: (State.DECLINED,),
    Kind.CANCELLED: (State.CANCELLED,),
    Kind.CHANGED: (State.IN_REVIEW, State.WAITING, State.CONFIRMED),
    Kind.REMINDER: (State.CONFIRMED,),
    Kind.ADDED: (State.IN_REVIEW, State.WAITING, State.CONFIRMED),
}
"""A mail that tells of a state is owed while the state lasts; the kinds not named are owed in any."""
UNSUBSCRIBABLE = frozenset({Kind.REMINDER, Kind.ANNOUNCEMENT})
"""What is not owed to those who asked for no more of it."""
READ_AHEAD = UNSUBSCRIBABLE
"""Mails made of nothing but the event and the person's registration: `outbox.marks` tells of any change to either, so
many can be read at once."""

_WITH_ALL = (
    selectinload(Delivery.rule),
    selectinload(Delivery.announcement),
    joinedload(Delivery.registration).options(
        selectinload(Registration.category),
        selectinload(Registration.choices),
        selectinload(Registration.event).selectinload(Event.sessions).selectinload(EventSession.streams),
    ),
)


def read_ahead(delivery_ids: Sequence[int]) -> dict[int, Delivery]:
    """Return those of these deliveries that can be read many at once, by id, with all that their mails are made of.

    Those to stopped addresses are not among them.
    """
    query = (
        select(Delivery)
        .join(Delivery.registration)
        .where(Delivery.id.in_(delivery_ids), Delivery.kind.in_(READ_AHEAD), ~takes_no_mail())
        .options(*_WITH_ALL)
    )
    found = db.session.execute(query.execution_options(populate_existing=True)).scalars()
    return {one.id: one for one in found}


def still_owed(delivery_id: int, *, owner: str, now: datetime, locked: bool = False) -> Delivery | None:
    """Return the delivery as it stands now if `owner` should send it, else None.

    `locked`: nobody changes what somebody holds of its session until the unit of work ends.
    """
    delivery = db.session.get(Delivery, delivery_id, populate_existing=True)
    if delivery is None or delivery.state is not DeliveryState.WAITING or delivery.claimed_by != owner:
        return None
    return delivery if is_owed(delivery, now=now, locked=locked) and stop_of(delivery.registration) is None else None


def is_owed(delivery: Delivery, *, now: datetime, locked: bool = False) -> bool:
    """Whether a mail is still right to send, whatever has become of it already and of the address it goes to."""
    if (delivery.kind is Kind.FAREWELL) != (delivery.registration.leaving_since is not None):
        return False
    states = STATE_TOLD.get(delivery.kind)
    if now >= useful_until(delivery) or (states and delivery.registration.state not in states):
        return False
    if delivery.kind in UNSUBSCRIBABLE and delivery.registration.unsubscribed_at is not None:
        return False
    return _is_right(delivery, locked=locked)


def useful_until(delivery: Delivery) -> datetime:
    """Return when a mail comes too late: one about a session says how that stands when it is sent."""
    if delivery.kind is Kind.INVITATION and delivery.session is not None:
        return owing.last_end(delivery.session)
    return delivery.useful_until


def invitation_of(delivery: Delivery, *, locked: bool = False) -> Invitation | None:
    """Return the invitation that a delivery about a session is to bring to what stands."""
    return invitations.held_by(delivery.registration_id, delivery.session_id, locked=locked)


def _is_right(delivery: Delivery, *, locked: bool) -> bool:
    if delivery.kind is Kind.REMINDER:
        session = delivery.session
        return session is not None and session.starts_at == delivery.starts_at and _is_on(delivery, chosen=True)
    if delivery.kind is Kind.ADDED:
        return _is_on(delivery, chosen=False)
    if delivery.kind is Kind.INVITATION:
        invitation = invitation_of(delivery, locked=locked)
        return invitation is not None and invitations.notice_for(invitation) is not None
    if delivery.kind is Kind.ANNOUNCEMENT:
        return _is_announced(delivery)
    return True


def _is_announced(delivery: Delivery) -> bool:
    """Whether this person is still in one of the states an announcement is for, and wants such mail."""
    announcement, registration = delivery.announcement, delivery.registration
    return (
        announcement is not None
        and registration.state in announcement.states
        and registration.unsubscribed_at is None
        and registration.event.state is not EventState.DRAFT
    )


def _is_on(delivery: Delivery, *, chosen: bool) -> bool:
    """Whether the session takes place in an event that is shown, and whether this person has chosen it or not."""
    session, registration = delivery.session, delivery.registration
    return (
        session is not None
        and registration.event.state is EventState.PUBLISHED
        and takes_place(session)
        and chosen == (session.id in {choice.session_id for choice in registration.choices})
    )
