"""Admission: the one state machine of a registration, and the places it holds.

    unverified --> in review --> confirmed --> cancelled --> (signs up again: unverified)
         |             |            ^  |
         |             +--> declined --+
         +--> waiting --> (in review or confirmed, in order, when a place comes free)

A place is held from the proof of the address on: by those in review and those confirmed. All functions that take or
free places expect the event's row locked in this unit of work (`lock_event`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import Row, and_, func, or_, select

from registration.domain import invitations, owing, vetting
from registration.domain.programme import ends_at
from registration.errors import Refusal
from registration.extensions import db
from registration.models import Event, Registration
from registration.models.delivery import DeliveryKind
from registration.models.event import Entry, EventState
from registration.models.registration import RegistrationState as State

HOLDING = (State.IN_REVIEW, State.CONFIRMED)
ALIVE = (*HOLDING, State.WAITING)
DECIDABLE = (State.IN_REVIEW, State.WAITING, State.DECLINED)
"""Whom an organizer may confirm: never against somebody's own wish, nor before the address is proved."""

STEPS: dict[State, frozenset[State]] = {
    State.UNVERIFIED: frozenset({State.CONFIRMED, State.IN_REVIEW, State.WAITING}),
    State.IN_REVIEW: frozenset({State.CONFIRMED, State.DECLINED, State.CANCELLED}),
    State.WAITING: frozenset({State.CONFIRMED, State.IN_REVIEW, State.DECLINED, State.CANCELLED}),
    State.CONFIRMED: frozenset({State.DECLINED, State.CANCELLED}),
    State.DECLINED: frozenset({State.CONFIRMED}),
    State.CANCELLED: frozenset({State.CONFIRMED, State.IN_REVIEW, State.WAITING}),
}
"""From each state, the states that can follow."""

TOLD = {
    State.IN_REVIEW: DeliveryKind.IN_REVIEW,
    State.WAITING: DeliveryKind.WAITING,
    State.CONFIRMED: DeliveryKind.CONFIRMED,
    State.DECLINED: DeliveryKind.DECLINED,
    State.CANCELLED: DeliveryKind.CANCELLED,
}
"""The mail that tells a person of a state."""

_CHANGED = _l("This registration has changed in the meantime; look at it again.")


class Places:
    """How many places of an event and its categories are held; counts are read once and kept up by `take`."""

    def __init__(self, event: Event) -> None:
        self._limits = {category.id: category.places for category in event.categories}
        self._total = event.places
        rows = db.session.execute(
            select(Registration.category_id, func.count())
            .where(Registration.event_id == event.id, Registration.state.in_(HOLDING))
            .group_by(Registration.category_id)
        )
        self._held: Counter[int] = Counter({category_id: held for category_id, held in rows})  # noqa: C416

    def free(self, category_id: int) -> bool:
        """Whether the event and the category each have a place left."""
        return all(held < limit for held, limit in self.limited(category_id))

    def limited(self, category_id: int) -> list[tuple[int, int]]:
        """Return (places held, places there are) of the category and of the event, where these have a limit."""
        counts = ((self._held[category_id], self._limits[category_id]), (self._held.total(), self._total))
        return [(held, limit) for held, limit in counts if limit is not None]

    def take(self, category_id: int) -> None:
        """Count one more place as held."""
        self._held[category_id] += 1


def lock_event(event_id: int) -> Event:
    """Return the event, its row locked until the unit of work ends: places are taken and freed one after another.

    New registrations, which only refer to it, do not wait for this lock (PostgreSQL's FOR NO KEY UPDATE).
    """
    locked = select(Event).where(Event.id == event_id).with_for_update(key_share=True)
    return db.session.execute(locked.execution_options(populate_existing=True)).scalar_one()


def admit(registration: Registration, places: Places, *, now: datetime) -> None:
    """Let somebody in whose address is proved: confirmed, in review, or waiting where no place is free."""
    if not places.free(registration.category_id):
        _move(registration, State.WAITING, now=now)
        return
    reviewed = registration.category.entry is Entry.REVIEWED
    places.take(registration.category_id)
    _move(registration, State.IN_REVIEW if reviewed else State.CONFIRMED, now=now)


def approve(registration: Registration, *, by: int, now: datetime) -> None:
    """Confirm somebody in review, waiting or declined. Raises Refusal for others, and where no place is free."""
    if registration.state not in DECIDABLE:
        raise Refusal(_CHANGED)
    holds_one = registration.state in HOLDING
    if not holds_one and not Places(registration.event).free(registration.category_id):
        raise Refusal(_l("No place is free: raise the number of places first."))
    _move(registration, State.CONFIRMED, now=now)
    registration.decided_at, registration.decided_by = now, by


def decline(registration: Registration, *, by: int, now: datetime, fill: bool = True) -> None:
    """Decline somebody; their place goes to whoever waits, unless the caller is to `fill` places later."""
    _move(registration, State.DECLINED, now=now)
    registration.decided_at, registration.decided_by = now, by
    if fill:
        fill_places(registration.event, now=now)


def cancel(registration: Registration, *, now: datetime) -> None:
    """Give up a place at the person's own wish; it goes to whoever waits."""
    _move(registration, State.CANCELLED, now=now)
    fill_places(registration.event, now=now)


def fill_places(event: Event, *, now: datetime) -> int:
    """Let people from the waiting list in, in order, as far as places are free. Returns how many moved.

    Nobody is let into an event that is cancelled or over.
    """
    if event.state is not EventState.PUBLISHED or now >= ends_at(event):
        return 0
    db.session.flush()
    places = Places(event)
    moved = 0
    for category_id, public_id in _queue(event):
        if places.free(category_id):
            admit(_called(public_id), places, now=now)
            moved += 1
    return moved


def fill_all(*, now: datetime) -> None:
    """Let people in wherever somebody waits and a place is free, also after an organizer has raised the places."""
    waiting = select(Registration.event_id).where(Registration.state == State.WAITING).distinct()
    for event_id in db.session.execute(waiting).scalars().all():
        fill_places(lock_event(event_id), now=now)


def position(registration: Registration) -> int | None:
    """Return where somebody stands on the waiting list: 1 is next. None in a category at risk: a place in the line says
    how many stand before it.

    Where the whole event has limited places all who wait stand in one line, otherwise each category has its own.
    """
    if registration.category.at_risk:
        return None
    ahead = [
        Registration.event_id == registration.event_id,
        Registration.state == State.WAITING,
        or_(
            Registration.waiting_since < registration.waiting_since,
            and_(
                Registration.waiting_since == registration.waiting_since,
                Registration.id < registration.id,
            ),
        ),
    ]
    if registration.event.places is None:
        ahead.append(Registration.category_id == registration.category_id)
    return 1 + db.session.execute(select(func.count()).where(*ahead)).scalar_one()


def _queue(event: Event) -> Sequence[Row[int, str]]:
    return db.session.execute(
        select(Registration.category_id, Registration.public_id)
        .where(Registration.event_id == event.id, Registration.state == State.WAITING)
        .order_by(Registration.waiting_since, Registration.id)
    ).all()


def _called(public_id: str) -> Registration:
    return db.session.execute(select(Registration).where(Registration.public_id == public_id)).scalar_one()


def _move(registration: Registration, to: State, *, now: datetime) -> None:
    if to not in STEPS[registration.state]:
        raise Refusal(_CHANGED)
    was_confirmed = registration.state is State.CONFIRMED
    registration.state = to
    registration.updated_at = now
    registration.waiting_since = now if to is State.WAITING else None
    registration.confirmed_at = now if to is State.CONFIRMED else None
    vetting.erase_when_final(registration)
    owing.owe(registration, TOLD[to], now=now)
    if was_confirmed or to is State.CONFIRMED:
        invitations.follow(registration, now=now)
