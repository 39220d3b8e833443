"""Whether a delivery is still owed, asked again just before it is sent: nothing leaves that has become wrong."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from registration.domain import invitations
from registration.domain.programme import takes_place
from registration.extensions import db
from registration.models import Delivery, Invitation
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
    Kind.ADDED: (State.CONFIRMED,),
}
"""A mail that tells of a state is owed while the state lasts; the kinds not named are owed in any."""


def still_owed(delivery_id: int, *, owner: str, now: datetime) -> Delivery | None:
    """Return the delivery as it stands now if `owner` should send it, else None."""
    delivery = db.session.get(Delivery, delivery_id, populate_existing=True)
    if delivery is None or delivery.state is not DeliveryState.WAITING or delivery.claimed_by != owner:
        return None
    states = STATE_TOLD.get(delivery.kind)
    if now >= delivery.useful_until or (states and delivery.registration.state not in states):
        return None
    return delivery if _is_right(delivery) else None


def invitation_of(delivery: Delivery) -> Invitation | None:
    """Return the invitation that a delivery about a session is to bring to what stands."""
    found = select(Invitation).where(
        Invitation.registration_id == delivery.registration_id,
        Invitation.session_id == delivery.session_id,
    )
    return db.session.execute(found).scalar_one_or_none()


def _is_right(delivery: Delivery) -> bool:
    if delivery.kind is Kind.REMINDER:
        session = delivery.session
        return session is not None and session.starts_at == delivery.starts_at and _is_on(delivery, chosen=True)
    if delivery.kind is Kind.ADDED:
        return _is_on(delivery, chosen=False)
    if delivery.kind is Kind.INVITATION:
        invitation = invitation_of(delivery)
        return invitation is not None and invitations.notice_for(invitation) is not None
    return True


def _is_on(delivery: Delivery, *, chosen: bool) -> bool:
    """Whether the session takes place in an event that is shown, and whether this person has chosen it or not."""
    session, registration = delivery.session, delivery.registration
    return (
        session is not None
        and registration.event.state is EventState.PUBLISHED
        and takes_place(session)
        and chosen == (session.id in {choice.session_id for choice in registration.choices})
    )
