"""Looks at what is masked: who saw which person's category at risk or name for vetting, or the categories of all on
the list. Each is written into the book with its reason, and committed, before anything is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, exists, func, select, update

from registration.domain import accounts, naming
from registration.domain.access import Action, may
from registration.errors import Refusal
from registration.extensions import db, keyring
from registration.keys import new_public_id
from registration.models import Event, Organizer, Registration, Unmasking
from registration.models.unmasking import Sight
from registration.text import clean_lines, is_writable

LIST_TIME = timedelta(minutes=15)
"""For how long a look at the list stays open."""
REASON_LENGTH = 500
PER_HOUR = 60
"""At how much one organizer may look in an hour: more people than anybody reviews."""


NEEDED = {
    Sight.LIST: Action.UNMASK,
    Sight.CATEGORY: Action.SEE_CATEGORY,
    Sight.VETTING_NAME: Action.SEE_VETTING_NAME,
}
"""What somebody must be allowed to do."""


@dataclass(frozen=True)
class Entry:
    """One line of the book, opened. `reason` is gone when the event or the person is forgotten; `person`: the public id
    of whom it was about, None for the list and for somebody who is erased."""

    at: datetime
    by: Organizer
    what: Sight
    person: str | None
    reason: str


def write_down(
    event: Event, organizer: Organizer, what: Sight, reason: str, *, person: Registration | None = None, now: datetime
) -> Unmasking:
    """Write into the book who looks at what and why; commit that, then show it.

    Raises Refusal if the organizer may not, has looked at too much in the last hour, or the reason is missing.
    """
    if not may(organizer, NEEDED[what], event):
        raise Refusal(_l("This account may not see this; ask an owner."))
    _refuse_too_many(organizer, now=now)
    public_id = new_public_id()
    words = {"reason": _checked_reason(reason)}
    look = Unmasking(
        public_id=public_id,
        event_id=event.id,
        organizer_id=organizer.id,
        registration_id=person.id if person else None,
        what=what,
        at=now,
        sealed=keyring.keys.seal(words, _bound_to(public_id)),
    )
    db.session.add(look)
    db.session.flush()
    return look


def open_until(public_id: str, event: Event, organizer: Organizer, *, now: datetime) -> datetime | None:
    """Return until when this organizer's look at the list of this event is open; None if it is over, or is none."""
    at = db.session.scalar(
        select(Unmasking.at).where(
            Unmasking.public_id == public_id,
            Unmasking.event_id == event.id,
            Unmasking.organizer_id == organizer.id,
            Unmasking.what == Sight.LIST,
            Unmasking.ended_at.is_(None),
            Unmasking.at > now - LIST_TIME,
        )
    )
    return at + LIST_TIME if at and may(organizer, Action.UNMASK, event) else None


def end(public_id: str, organizer: Organizer, *, now: datetime) -> None:
    """Close this organizer's look at the list before its time."""
    mine = (Unmasking.public_id == public_id, Unmasking.organizer_id == organizer.id, Unmasking.what == Sight.LIST)
    db.session.execute(update(Unmasking).where(*mine).values(ended_at=now))


def book(event: Event) -> list[Entry]:
    """Return all looks at an event's people, the latest first."""
    found = db.session.execute(
        select(Unmasking, Organizer, Registration.public_id)
        .join(Unmasking.organizer)
        .outerjoin(Registration, Registration.id == Unmasking.registration_id)
        .where(Unmasking.event_id == event.id)
        .order_by(Unmasking.at.desc(), Unmasking.id.desc())
    )
    return [_entry(look, organizer, person) for look, organizer, person in found]


def forget_words(event: Event) -> None:
    """Blank the reasons in the book of an event, which may name people; who looked and when stays."""
    for look in db.session.scalars(select(Unmasking).where(Unmasking.event_id == event.id)):
        look.sealed = b""


def forget_name(event_id: int, called: frozenset[str]) -> None:
    """Take somebody who is erased, `called` so, out of the reasons in the book of an event."""
    for look in db.session.scalars(select(Unmasking).where(Unmasking.event_id == event_id, Unmasking.sealed != b"")):
        words = keyring.keys.open(look.sealed, _bound_to(look.public_id))
        reason = naming.without(words["reason"], called)
        if reason != words["reason"]:
            look.sealed = keyring.keys.seal({"reason": reason}, _bound_to(look.public_id))


def holds_words() -> ColumnElement[bool]:
    """Return the condition on an Event that its book of looks still holds reasons."""
    return exists().where(Unmasking.event_id == Event.id, Unmasking.sealed != b"")


def _entry(look: Unmasking, organizer: Organizer, person: str | None) -> Entry:
    words = keyring.keys.open(look.sealed, _bound_to(look.public_id)) if look.sealed else {"reason": ""}
    return Entry(look.at, organizer, look.what, person, words["reason"])


def _refuse_too_many(organizer: Organizer, *, now: datetime) -> None:
    accounts.lock(organizer)
    lately = (Unmasking.organizer_id == organizer.id, Unmasking.at > now - timedelta(hours=1))
    if (db.session.scalar(select(func.count()).where(*lately)) or 0) >= PER_HOUR:
        sentence = _l(
            "You have looked at masked data %(number)s times within an hour; wait before the next.", number=PER_HOUR
        )
        raise Refusal(sentence)


def _checked_reason(typed: str) -> str:
    reason = clean_lines(typed)
    if not reason:
        raise Refusal(_l("Say why you need to see this: the reason is kept in the book."), "why")
    if not is_writable(typed) or len(reason) > REASON_LENGTH:
        raise Refusal(_l("Write the reason in up to %(number)s plain characters.", number=REASON_LENGTH), "why")
    return reason


def _bound_to(public_id: str) -> str:
    return f"unmasking/{public_id}"
