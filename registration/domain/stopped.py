"""Addresses that have refused our mail for good: no more is sent to them until an organizer says so.

An address is known by its keyed hash alone, for all events: who signs up with it is told nothing of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, func, select, update

from registration.domain.statuses import is_hard
from registration.extensions import db, insert_new
from registration.models import Delivery, Event, Registration, StoppedAddress
from registration.models.delivery import DeliveryState
from registration.models.registration import RegistrationState

AT_ANY_EVENT = Registration.event_id.in_(select(Event.id))
"""Always so. An address is looked up by it, for the index of addresses begins with the event."""


def takes_no_mail() -> ColumnElement[bool]:
    """Return the condition that a registration's address is stopped."""
    return exists().where(StoppedAddress.address_hash == Registration.address_hash)


def stop_of(registration: Registration) -> StoppedAddress | None:
    """Return why nothing is sent to somebody, if that is so."""
    return db.session.get(StoppedAddress, registration.address_hash, populate_existing=True)


def counts(events: Sequence[Event]) -> Counter[int]:
    """Return {event id: how many on its list, those not proved left out, have an address that is stopped}, by one
    query for all."""
    rows = db.session.execute(
        select(Registration.event_id, func.count().label("number"))
        .where(
            Registration.event_id.in_([event.id for event in events]),
            Registration.state != RegistrationState.UNVERIFIED,
            Registration.leaving_since.is_(None),
            takes_no_mail(),
        )
        .group_by(Registration.event_id)
    )
    return Counter({row.event_id: row.number for row in rows})


def stop(address_hash: bytes, status: str, *, now: datetime) -> None:
    """Let nothing more be sent to an address: whatever waits for it is settled, in the caller's unit of work.

    The row comes first: whoever stops the same address waits there, and not in the middle of its mails. A worker's
    hold on a mail stays, so that it can still record what it has just handed over.
    """
    insert_new(StoppedAddress, {"address_hash": address_hash, "status": status, "stopped_at": now})
    people = select(Registration.id).where(AT_ANY_EVENT, Registration.address_hash == address_hash)
    mails = select(Delivery.id, Delivery.state).where(Delivery.registration_id.in_(people)).order_by(Delivery.id)
    waiting = [one for one, state in db.session.execute(mails.with_for_update()) if state is DeliveryState.WAITING]
    db.session.execute(
        update(Delivery)
        .where(Delivery.id.in_(waiting))
        .values(state=DeliveryState.STOPPED, settled_at=now)
        .execution_options(synchronize_session=False)
    )


def stop_if_refused(delivery_ids: Sequence[int], status: str | None, *, now: datetime) -> None:
    """Stop the address of these deliveries, which are one person's, if a refusal with this status is of it.

    Comes before the refusal itself is recorded: see `stop` for the order of locks.
    """
    if status is None or not is_hard(status):
        return
    addresses = (
        select(Registration.address_hash)
        .join(Delivery, Delivery.registration_id == Registration.id)
        .where(Delivery.id.in_(delivery_ids))
        .distinct()
    )
    for address_hash in db.session.scalars(addresses).all():
        stop(address_hash, status, now=now)


def write_again(registration: Registration) -> None:
    """Let mail go to somebody's address again. Nothing is owed by it."""
    db.session.execute(delete(StoppedAddress).where(StoppedAddress.address_hash == registration.address_hash))


def forget_strangers() -> None:
    """Delete the addresses that no registration has any more."""
    somebodys = exists().where(AT_ANY_EVENT, Registration.address_hash == StoppedAddress.address_hash)
    db.session.execute(delete(StoppedAddress).where(~somebodys).execution_options(synchronize_session=False))
