"""Erasing one person, at their own wish or an owner's: the farewell mail leaves first, then the row goes.

Asked for, all but the address is gone at once: answers, name, choices, invitations, whatever mail waits, the place, and
every key. What is left is in no list and no number; it goes with the first sweep after the farewell mail is settled, or
when a day is over. Its id goes into the file of erased ids before that (`erased_ids`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update

from registration.domain import admission, exports, naming, owing, stopped, submissions, unmasking
from registration.domain.link_keys import KEY_ENDED
from registration.domain.participation import lock_registration
from registration.domain.personal import Personal, open_personal, seal_into
from registration.domain.vetting import vetting_name
from registration.errors import NotFound, Refusal
from registration.extensions import db, keyring
from registration.models import Delivery, Event, Invitation, Registration, SessionChoice, Unmasking
from registration.models.delivery import DeliveryKind, DeliveryState
from registration.models.registration import RegistrationState as State

FAREWELL_TIME = timedelta(days=1)
"""How long the data waits for the farewell mail to leave."""
ROWS_AT_ONCE = 500


def erase(registration: Registration, *, by_link: bool, now: datetime) -> None:
    """Begin to erase somebody, with all other sign-ups of the same address at this event; asked twice it is once.

    The address gets a farewell mail if it is proved and takes mail. Raises NotFound where they ask themselves,
    `by_link`, and that link has been renewed just now.
    """
    event = admission.lock_event(registration.event_id)
    submissions.drop_of(event.id, open_personal(registration).address)
    is_same = lock_registration(registration)
    if registration.leaving_since is not None:
        return
    if by_link and not is_same:
        raise NotFound(KEY_ENDED)
    says_farewell = registration.state is not State.UNVERIFIED and stopped.stop_of(registration) is None
    theirs = _of_same_address(registration)
    called = naming.words_of([*map(open_personal, theirs)], [*map(vetting_name, theirs)])
    exports.forget_name(event.id, called)
    unmasking.forget_name(event.id, called)
    for one in theirs:
        _begin(one, now=now)
    if says_farewell:
        owing.owe(registration, DeliveryKind.FAREWELL, useful_until=now + FAREWELL_TIME, now=now)
    admission.fill_places(event, now=now)


def erase_unproved(registration: Registration, *, now: datetime) -> None:
    """Begin to erase a sign-up whose address is not proved; no mail tells of it. Raises Refusal once it is proved."""
    lock_registration(registration)
    if registration.state is not State.UNVERIFIED:
        raise Refusal(_l("This address is confirmed already; your own page erases everything."))
    _begin(registration, now=now)


def leaving() -> Sequence[str]:
    """Return the ids of all who have asked to be erased, and are not gone yet."""
    query = select(Registration.public_id).where(Registration.leaving_since.is_not(None))
    return db.session.scalars(query.order_by(Registration.id)).all()


def finish(public_ids: Sequence[str], *, now: datetime) -> int:
    """Delete those of these, whose ids are in the file, whose farewell is settled or has had its time. Returns how
    many."""
    farewell_waits = exists().where(
        Delivery.registration_id == Registration.id,
        Delivery.kind == DeliveryKind.FAREWELL,
        Delivery.state == DeliveryState.WAITING,
    )
    may_go = or_(~farewell_waits, Registration.leaving_since <= now - FAREWELL_TIME)
    leaving_for_good = and_(Registration.public_id.in_(public_ids), Registration.leaving_since.is_not(None), may_go)
    return _delete(leaving_for_good, now=now)


def unwiped_since() -> datetime | None:
    """Return when somebody was erased for the first time since the database was wiped last; None if nobody was."""
    return db.session.scalar(select(func.min(Event.unwiped_since)))


def note_wiped() -> None:
    """Note that nothing of whom was erased is in the database's file any more."""
    wiped = update(Event).where(Event.unwiped_since.is_not(None)).values(unwiped_since=None)
    db.session.execute(wiped.execution_options(synchronize_session=False))


def was_anybody_erased() -> bool:
    """Whether anybody has been erased from this database."""
    return bool(db.session.scalar(select(exists().where(Event.erased > 0))))


def come_back(public_ids: Iterable[str]) -> list[str]:
    """Return those of these ids that were erased and are in the database again, as an older one was restored."""
    wanted = sorted(public_ids)
    found: list[str] = []
    for first in range(0, len(wanted), ROWS_AT_ONCE):
        found += db.session.scalars(select(Registration.public_id).where(_came_back(wanted[first:][:ROWS_AT_ONCE])))
    return found


def erase_again(public_ids: Sequence[str], *, now: datetime) -> int:
    """Delete who was erased before and has come back, without another farewell. Returns how many."""
    return _delete(_came_back(public_ids), now=now)


def _came_back(public_ids: Sequence[str]) -> ColumnElement[bool]:
    """Who still is to get the farewell mail is left to `finish`."""
    return and_(Registration.public_id.in_(public_ids), Registration.leaving_since.is_(None))


def _of_same_address(registration: Registration) -> Sequence[Registration]:
    query = select(Registration).where(
        Registration.event_id == registration.event_id,
        Registration.address_hash == registration.address_hash,
        Registration.leaving_since.is_(None),
    )
    return db.session.scalars(query.order_by(Registration.id).with_for_update()).all()


def _begin(registration: Registration, *, now: datetime) -> None:
    """Take somebody off everything; only what the farewell mail needs stays sealed: address, and neutral title.

    The new claim lets the same address sign up anew, as somebody who was never here.
    """
    before = open_personal(registration)
    seal_into(registration, Personal(name="", address=before.address, neutral_title=before.neutral_title))
    registration.vetting, registration.country = None, ""
    registration.state, registration.leaving_since = State.CANCELLED, now
    registration.claim = keyring.keys.digest("left", registration.public_id)
    registration.waiting_since = registration.confirmed_at = registration.expires_at = None
    registration.manage_generation += 1
    registration.feed_generation += 1
    registration.unsubscribe_generation += 1
    registration.feed_on = False
    registration.updated_at = now
    db.session.flush()
    _let_go(registration.id, now=now)


def _let_go(registration_id: int, *, now: datetime) -> None:
    """A worker's hold on a mail stays, so that it can still record what it has just handed over; whatever has not
    reached DATA is withdrawn."""
    theirs = Delivery.registration_id == registration_id
    waiting = (theirs, Delivery.state == DeliveryState.WAITING)
    for statement in (
        delete(Delivery).where(theirs, Delivery.state != DeliveryState.WAITING),
        update(Delivery).where(*waiting).values(state=DeliveryState.DROPPED, settled_at=now),
        update(Unmasking).where(Unmasking.registration_id == registration_id).values(sealed=b""),
        delete(SessionChoice).where(SessionChoice.registration_id == registration_id),
        delete(Invitation).where(Invitation.registration_id == registration_id),
    ):
        db.session.execute(statement.execution_options(synchronize_session=False))


def _delete(which: ColumnElement[bool], *, now: datetime) -> int:
    """Delete these, and note at their events how many they are and since when the database is to be wiped."""
    of_events = select(Registration.event_id, func.count()).where(which).group_by(Registration.event_id)
    for event_id, number in db.session.execute(of_events).all():
        noted = {"erased": Event.erased + number, "unwiped_since": func.coalesce(Event.unwiped_since, now)}
        more = update(Event).where(Event.id == event_id).values(noted)
        db.session.execute(more.execution_options(synchronize_session=False))
    result = db.session.execute(delete(Registration).where(which).execution_options(synchronize_session=False))
    gone: int = result.rowcount  # type: ignore[attr-defined]
    if gone:
        stopped.forget_strangers()
    return gone
