"""Owing a mail: in the same commit as its cause, and never twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select, update

from registration.extensions import db, insert_new, insert_row
from registration.models import Delivery, EventSession, Registration
from registration.models.delivery import DeliveryKind as Kind
from registration.models.delivery import DeliveryState

QUIET = timedelta(minutes=10)
"""A stranger who types the address of somebody registered brings that person at most one mail in this time."""
URGENT = frozenset({Kind.PROVE, Kind.ALREADY, Kind.LINK, Kind.FAREWELL})

_COUNTS = Delivery.state != DeliveryState.DROPPED
"""What was withdrawn has brought nobody a mail."""


class Recipient(NamedTuple):
    """Whom a mail is owed to: what `owe` reads of a registration."""

    id: int
    public_id: str
    event_id: int


def owe(
    registration: Registration | Recipient,
    kind: Kind,
    *,
    useful_until: datetime | None = None,
    first: bool = False,
    due: datetime | None = None,
    now: datetime,
) -> None:
    """Owe one mail of `kind` to somebody, from `due` (now where none is given) until `useful_until` (a day after the
    event).

    `first`: none of this kind can have been owed to them before.
    """
    db.session.flush()
    number = 0 if first else _owed_before(registration.id, kind)
    values = {
        "key": f"{kind}/{registration.public_id}/{number}",
        "kind": kind,
        "registration_id": registration.id,
        "urgent": kind in URGENT,
        "due_at": due or now,
        "useful_until": useful_until or _day_after_event(registration.event_id, now),
        "next_try_at": due or now,
    }
    insert_row(Delivery, values)


def owe_invitation(registration: Registration, session: EventSession, *, now: datetime) -> None:
    """Owe somebody the mail about one session that brings what they hold to what stands.

    One that still waits will say so when it is sent: there is never a second.
    """
    db.session.flush()
    before = select(Delivery.state).where(
        Delivery.registration_id == registration.id,
        Delivery.session_id == session.id,
        Delivery.kind == Kind.INVITATION,
    )
    states = db.session.execute(before).scalars().all()
    if DeliveryState.WAITING in states:
        return
    values = {
        "key": f"{Kind.INVITATION}/{registration.public_id}/{session.id}/{len(states)}",
        "kind": Kind.INVITATION,
        "registration_id": registration.id,
        "session_id": session.id,
        "due_at": now,
        "useful_until": last_end(session),
        "next_try_at": now,
    }
    insert_new(Delivery, values)


def invitations_wait(registration: Registration) -> bool:
    """Whether a mail about one of their sessions is still to be sent to somebody."""
    waiting = select(Delivery.id).where(
        Delivery.registration_id == registration.id,
        Delivery.kind == Kind.INVITATION,
        Delivery.state == DeliveryState.WAITING,
    )
    return db.session.execute(select(waiting.exists())).scalar_one()


def due_since(registrations: Sequence[Registration], kind: Kind, since: datetime) -> Sequence[datetime]:
    """Return when mails of a kind have fallen due for these registrations since then, or will, the latest first."""
    if not registrations:
        return ()
    ids = [one.id for one in registrations]
    lately = (Delivery.registration_id.in_(ids), Delivery.kind == kind, Delivery.due_at > since, _COUNTS)
    return db.session.scalars(select(Delivery.due_at).where(*lately).order_by(Delivery.due_at.desc())).all()


def turns_waiting(
    registrations: Sequence[Registration], kind: Kind, *, now: datetime
) -> Sequence[tuple[int, datetime]]:
    """Return (id of the registration, when) of the mails of a kind that are still to fall due for these."""
    ids = [one.id for one in registrations]
    ahead = (Delivery.registration_id.in_(ids), Delivery.kind == kind, Delivery.due_at > now, _COUNTS)
    found = db.session.execute(select(Delivery.registration_id, Delivery.due_at).where(*ahead)).all()
    return [(number, due) for number, due in found]


def drop_waiting(registrations: Sequence[Registration], kind: Kind, *, now: datetime) -> None:
    """Owe no mail of a kind to these any more."""
    waiting = (Delivery.kind == kind, Delivery.state == DeliveryState.WAITING)
    dropped = update(Delivery).where(Delivery.registration_id.in_([one.id for one in registrations]), *waiting)
    db.session.execute(dropped.values(state=DeliveryState.DROPPED, settled_at=now))


def told_lately(registration: Registration, kinds: Sequence[Kind], *, now: datetime) -> bool:
    """Whether a mail of these kinds fell due for this person within the quiet time, or is still to fall due."""
    return db.session.execute(
        select(
            select(Delivery.id)
            .where(
                Delivery.registration_id == registration.id,
                Delivery.kind.in_(kinds),
                Delivery.due_at > now - QUIET,
                _COUNTS,
            )
            .exists()
        )
    ).scalar_one()


def last_end(session: EventSession) -> datetime:
    """Return when nobody has anything more of a mail about this session: by its last end that anybody was told."""
    return max([session.ends_at, *(revision.ends_at for revision in session.revisions)])


def _owed_before(registration_id: int, kind: Kind) -> int:
    return db.session.execute(
        select(func.count()).where(Delivery.registration_id == registration_id, Delivery.kind == kind)
    ).scalar_one()


def _day_after_event(event_id: int, now: datetime) -> datetime:
    ends = db.session.execute(select(func.max(EventSession.ends_at)).where(EventSession.event_id == event_id)).scalar()
    return max(ends or now, now) + timedelta(days=1)
