"""Forgetting: after an event personal data goes, field by field and then all of it; numbers stay.

`due` says what is to be done. Each of the other functions does a part of it, short enough for a unit of work of its own
(see `registration.forgetting`): whatever is broken off goes on with the next sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, bindparam, cast, delete, exists, or_, select, update

from registration.domain import exports, figures, stopped, unmasking
from registration.domain.attendees import PARTICIPANT
from registration.domain.clocks import VETTING, fields_over, forget_at
from registration.domain.personal import Personal, bound_to, open_personal, seal_into, sealed, without
from registration.extensions import db, keyring
from registration.models import Announcement, Event, Registration, Submission

__all__ = ["Due", "due", "forget_at", "forget_fields", "forget_people", "forget_words", "hold_back", "note"]

ROWS_AT_ONCE = 500
NOTHING_KEPT: dict[str, Any] = {PARTICIPANT: {}}
"""What is kept where all numbers are too small to stay: not nothing, which is kept before anybody is deleted."""
COUNTRY_WITH = "answers"
"""The country is the answer to a question, which stands in the open for counting: it goes with the answers."""


@dataclass(frozen=True)
class Due:
    """What is to be forgotten of one event: all, or these fields. `fields` are all whose time is over; `new` of them
    are still there."""

    event_id: int
    slug: str
    whole: bool
    fields: tuple[str, ...] = ()
    new: tuple[str, ...] = ()


def due(*, now: datetime) -> list[Due]:
    """Return what is to be forgotten now."""
    found = []
    for event in db.session.scalars(select(Event).where(or_(*_holds()))).all():
        fields = tuple(fields_over(event, now=now))
        known = event.forgotten_fields or []
        if forget_at(event) <= now:
            found.append(Due(event.id, event.slug, whole=True))
        elif list(fields) != known:
            new = tuple(name for name in fields if name not in known)
            found.append(Due(event.id, event.slug, whole=False, fields=fields, new=new))
    return found


def forget_people(event_id: int) -> int:
    """Delete the next registrations of an event, with all that hangs on them. The numbers stay, as they were
    before the first.

    Returns how many were deleted: none are left when it is 0. Who has asked to be erased is in no number.
    """
    event = db.session.get_one(Event, event_id, with_for_update={"key_share": True}, populate_existing=True)
    rows = db.session.scalars(
        select(Registration.id).where(Registration.event_id == event_id).limit(ROWS_AT_ONCE)
    ).all()
    if rows:
        event.kept_numbers = event.kept_numbers or figures.to_keep(event) or NOTHING_KEPT
        theirs = Registration.id.in_(rows)
        db.session.execute(delete(Registration).where(theirs).execution_options(synchronize_session=False))
    return len(rows)


def forget_words(event_id: int) -> None:
    """Delete what may name people who are gone: announcements, forms that wait, reasons in the books of exports and of
    looks; and the stopped addresses that nobody has any more."""
    event = db.session.get_one(Event, event_id)
    exports.forget_words(event)
    unmasking.forget_words(event)
    for model in (Announcement, Submission):
        gone = delete(model).where(model.event_id == event_id)
        db.session.execute(gone.execution_options(synchronize_session=False))
    stopped.forget_strangers()


def forget_fields(event_id: int, fields: Sequence[str], *, after: int) -> int | None:
    """Take these fields off the next registrations of an event, those with a row number above `after`.

    Returns the last row number looked at; None when there are no more.
    """
    rows = db.session.execute(
        select(Registration.id, Registration.public_id, Registration.sealed)
        # By an index on the event SQLite would sort all that is left of it, for each batch anew.
        .where(Registration.event_id + 0 == event_id, Registration.id > after)
        .order_by(Registration.id)
        .limit(ROWS_AT_ONCE)
        .with_for_update(key_share=True)
    ).all()
    if not rows:
        return None
    stripped = ((row.id, _left(row.public_id, row.sealed, fields)) for row in rows)
    poorer = [{"number": number, "poorer": left} for number, left in stripped if left]
    if poorer:
        db.session.connection().execute(_RESEAL, poorer)
    open_ones: dict[str, Any] = {}
    if VETTING in fields:
        open_ones["vetting"] = None
    if COUNTRY_WITH in fields:
        open_ones["country"] = ""
    if open_ones:
        looked_at = update(Registration).where(Registration.id.in_([row.id for row in rows])).values(open_ones)
        db.session.execute(looked_at.execution_options(synchronize_session=False))
    last: int = rows[-1].id
    return last


def hold_back(registration: Registration) -> None:
    """Take off a registration what is forgotten at its event already: this sign-up came later."""
    fields = registration.event.forgotten_fields
    seal_into(registration, open_personal(registration))
    if VETTING in fields:
        registration.vetting = None
    if COUNTRY_WITH in fields:
        registration.country = ""


def note(done: Due, *, now: datetime) -> None:
    """Note that what was due is gone, and wiped from the disk."""
    event = db.session.get_one(Event, done.event_id)
    if done.whole:
        event.forgotten_at = now
    else:
        event.forgotten_fields = list(done.fields)


def _holds() -> list[ColumnElement[bool]]:
    """Return conditions on an Event, one of which is so while anything is to be forgotten at some time."""
    has = [exists().where(model.event_id == Event.id) for model in (Registration, Announcement)]
    deleted_but_not_wiped = and_(Event.forgotten_at.is_(None), cast(Event.kept_numbers, Text) != "{}")
    return [*has, exports.holds_words(), unmasking.holds_words(), deleted_but_not_wiped]


def _left(public_id: str, before: bytes, fields: Sequence[str]) -> bytes | None:
    """Return a sealed part without these fields; None where they are empty already."""
    personal = Personal(**keyring.keys.open(before, bound_to(public_id)))
    left = without(personal, fields)
    return None if left == personal else sealed(left, public_id)


_RESEAL = (
    update(Registration.__table__)  # type: ignore[arg-type]  # declared as any FROM clause
    .where(Registration.__table__.c.id == bindparam("number"))
    .values(sealed=bindparam("poorer"))
)
