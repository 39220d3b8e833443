"""The tray: what was sent by the forms that are open to all, until the worker answers it.

Whoever has typed an address, and whatever is known of it, the page does the same: it lays one sealed row into the tray.
Only the worker looks whose address that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import joinedload, load_only

from registration.domain import signup
from registration.domain.personal import Personal
from registration.domain.proofs import PROOF_TIME
from registration.domain.signup import SignUp
from registration.errors import Refusal
from registration.extensions import db, insert_new, keyring
from registration.keys import SealError, new_public_id
from registration.models import Category, Event, EventSession, Submission
from registration.models.submission import SubmissionKind as Kind

SOONEST = timedelta(seconds=10)
"""After which what could not be answered is tried again, at the earliest."""


_LITTLE = (
    load_only(Category.slug, Category.event_id),
    joinedload(Category.event).load_only(Event.state, Event.registration_opens, Event.registration_closes),
)
"""What a sign-up reads of its category; to read all the words of an event would take as long as all the rest."""


class Taken(NamedTuple):
    """One submission as the worker holds it."""

    id: int
    public_id: str
    event_id: int
    kind: Kind
    sealed: bytes
    created_at: datetime


def take_sign_up(category: Category, form: SignUp, *, now: datetime) -> None:
    """Keep a sign-up for the worker; one that waits already is the same one."""
    typed = {"category": category.slug, **vars(form), "personal": vars(form.personal)}
    _take(category.event_id, Kind.SIGN_UP, signup.claim_of(category, form), typed, now=now)


def take_find(event: Event, address: str, *, now: datetime) -> None:
    """Keep, for the worker, that somebody asks for the link that belongs to an address."""
    _take(event.id, Kind.FIND, keyring.keys.digest("find", address.lower()), {"address": address}, now=now)


def next_waiting(*, now: datetime) -> Taken | None:
    """Return the oldest submission that may be answered, held until the unit of work ends; None where all others that
    work have theirs, and nothing is left."""
    columns = [getattr(Submission, name) for name in Taken._fields]
    waiting = select(*columns).where(Submission.next_try_at <= now).order_by(Submission.id).limit(1)
    found = db.session.execute(waiting.with_for_update(skip_locked=True)).first()
    return Taken(*found) if found else None


def answer(taken: Taken, *, now: datetime) -> None:
    """Do what the form asks for, and take it out of the tray; both or, where the unit of work fails, neither.

    Where the event takes no sign-ups any more, or what was chosen is gone, it is dropped: no page is left to say so.
    """
    typed = keyring.keys.open(taken.sealed, bound_to(taken.public_id))
    if taken.kind is Kind.SIGN_UP:
        _sign_up(taken, typed, now=now)
    else:
        signup.send_link_again(db.session.get_one(Event, taken.event_id), typed["address"], now=now)
    db.session.execute(delete(Submission).where(Submission.id == taken.id))


def put_off(taken: Taken, *, now: datetime) -> None:
    """Let what could not be answered wait for as long again as it has waited, behind it whatever else has come."""
    later = now + max(SOONEST, now - taken.created_at)
    db.session.execute(update(Submission).where(Submission.id == taken.id).values(next_try_at=later))


def expire(*, now: datetime) -> None:
    """Delete what nobody could answer in the time in which a link would have been good."""
    db.session.execute(delete(Submission).where(Submission.created_at <= now - PROOF_TIME))


def drop_of(event_id: int, address: str) -> None:
    """Delete what was sent to an event with this address and waits: whoever is erased does not come back by it."""
    waiting = select(Submission.id, Submission.public_id, Submission.sealed).where(Submission.event_id == event_id)
    found = db.session.execute(waiting).all()
    theirs = [one.id for one in found if _address_in(one.sealed, one.public_id) == address.lower()]
    db.session.execute(delete(Submission).where(Submission.id.in_(theirs)))


def forget(event_id: int) -> None:
    """Delete all that was sent to an event."""
    db.session.execute(delete(Submission).where(Submission.event_id == event_id))


def bound_to(public_id: str) -> str:
    """Return the name of the row that a submission's sealed value is bound to."""
    return f"submission/{public_id}"


def _take(event_id: int, kind: Kind, digest: bytes, typed: Mapping[str, Any], *, now: datetime) -> None:
    public_id = new_public_id()
    values = {
        "public_id": public_id,
        "event_id": event_id,
        "kind": kind,
        "digest": digest,
        "sealed": keyring.keys.seal(typed, bound_to(public_id)),
        "created_at": now,
        "next_try_at": now,
    }
    insert_new(Submission, values)


def _address_in(sealed: bytes, public_id: str) -> str | None:
    try:
        typed = keyring.keys.open(sealed, bound_to(public_id))
    except SealError:
        return None
    return str(typed["address"] if "address" in typed else typed["personal"]["address"]).lower()


def _sign_up(taken: Taken, typed: dict[str, Any], *, now: datetime) -> None:
    slug = typed.pop("category")
    chosen = select(Category).where(Category.event_id == taken.event_id, Category.slug == slug).options(*_LITTLE)
    category = db.session.execute(chosen).scalar_one_or_none()
    sessions = select(EventSession.id).where(
        EventSession.event_id == taken.event_id, EventSession.id.in_(typed["session_ids"])
    )
    there = set(db.session.execute(sessions).scalars())
    if category is None or not there:
        return
    typed["session_ids"] = tuple(one for one in typed["session_ids"] if one in there)
    typed["personal"] = Personal(**typed["personal"])
    try:
        signup.sign_up(category, SignUp(**typed), sent_at=taken.created_at, now=now)
    except Refusal:
        return
