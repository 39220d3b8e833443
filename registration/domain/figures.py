"""An event in numbers: by category and state, per session, per language of the stream, and what people need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from registration.domain import stopped
from registration.domain.admission import HOLDING
from registration.domain.attendees import Shown, shown_categories
from registration.domain.personal import bound_to
from registration.extensions import db, keyring
from registration.models import Event, EventSession, Registration, SessionChoice
from registration.models.registration import RegistrationState as State

ROWS_AT_ONCE = 1000
MOST_OPENED = 2000
"""For how many confirmed the needs are counted, which are sealed: all have to be opened each time."""
Count = Counter[State]


@dataclass(frozen=True)
class Needs:
    """How many of the confirmed need what; `other`: have written something of their own."""

    captions: int = 0
    sign: int = 0
    other: int = 0


@dataclass(frozen=True)
class Line:
    """A category, or all at risk together: how many in each state, and how many places there are (None: no limit)."""

    category: Shown
    count: Count
    places: int | None

    @property
    def held(self) -> int:
        """How many places are held."""
        return sum(self.count[state] for state in HOLDING)


@dataclass(frozen=True)
class Figures:
    """An event's numbers. `sessions`, `languages` and `needs` (None: too many to open) count the confirmed; `stopped`:
    to how many people no mail is sent, for it comes back."""

    lines: Sequence[Line]
    total: Count
    sessions: Sequence[tuple[EventSession, int]]
    languages: Sequence[tuple[str, int]]
    needs: Needs | None
    stopped: int

    @property
    def held(self) -> int:
        """How many places of the event are held."""
        return sum(self.total[state] for state in HOLDING)


def figures(event: Event, *, unmasked: bool) -> Figures:
    """Return the numbers of an event; after its data is forgotten, those that were kept."""
    people = _counts(event)
    lines = [_line(event, shown, people) for shown in shown_categories(event, unmasked=unmasked)]
    total = sum((line.count for line in lines), Counter())
    return Figures(
        lines=lines,
        total=total,
        sessions=_per_session(event),
        languages=_per_language(event),
        needs=_needs(event) if total[State.CONFIRMED] <= MOST_OPENED else None,
        stopped=stopped.counts([event])[event.id],
    )


def totals(events: Sequence[Event]) -> dict[int, Count]:
    """Return {event id: how many in each state}, by one query for all."""
    found: dict[int, Count] = {event.id: Counter() for event in events}
    rows = db.session.execute(
        select(Registration.event_id, Registration.state, func.count())
        .where(Registration.event_id.in_(found), Registration.leaving_since.is_(None))
        .group_by(Registration.event_id, Registration.state)
    )
    for event_id, state, number in rows:
        found[event_id][state] = number
    return found


def _counts(event: Event) -> dict[int, Count]:
    """Return {category id: how many in each state}."""
    found: dict[int, Count] = {one.id: Counter() for one in event.categories}
    rows = db.session.execute(
        select(Registration.category_id, Registration.state, func.count())
        .where(Registration.event_id == event.id, Registration.leaving_since.is_(None))
        .group_by(Registration.category_id, Registration.state)
    ).all()
    for category_id, state, number in rows:
        found[category_id][state] = number
    return found if rows else _kept(event)


def _kept(event: Event) -> dict[int, Count]:
    kept = {one.id: event.kept_numbers.get(one.slug, {}) for one in event.categories}
    return {
        category_id: Counter({State(state): number for state, number in numbers.items()})
        for category_id, numbers in kept.items()
    }


def _line(event: Event, shown: Shown, counts: dict[int, Count]) -> Line:
    limits = [one.places for one in event.categories if one.id in shown.ids]
    known = [limit for limit in limits if limit is not None]
    places = sum(known) if len(known) == len(limits) else None
    return Line(shown, sum((counts[one] for one in shown.ids), Counter()), places)


def _per_session(event: Event) -> list[tuple[EventSession, int]]:
    rows = db.session.execute(
        select(SessionChoice.session_id, func.count())
        .join(Registration, Registration.id == SessionChoice.registration_id)
        .where(Registration.event_id == event.id, Registration.state == State.CONFIRMED)
        .group_by(SessionChoice.session_id)
    )
    numbers = dict(rows.all())
    return [(session, numbers.get(session.id, 0)) for session in event.sessions]


def _per_language(event: Event) -> list[tuple[str, int]]:
    number = func.count()
    rows = db.session.execute(
        select(Registration.stream_language, number)
        .where(Registration.event_id == event.id, Registration.state == State.CONFIRMED)
        .group_by(Registration.stream_language)
        .order_by(number.desc(), Registration.stream_language)
    )
    return list(rows.all())


def _needs(event: Event) -> Needs:
    """Needs are sealed: they are counted by opening the values of the confirmed as they are read."""
    query = (
        select(Registration.public_id, Registration.sealed)
        .where(Registration.event_id == event.id, Registration.state == State.CONFIRMED)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    open_sealed = keyring.keys.open
    count: Counter[str] = Counter()
    for public_id, sealed in db.session.execute(query):
        personal = open_sealed(sealed, bound_to(public_id))
        count.update(name for name in ("captions", "sign", "needs") if personal.get(name))
    return Needs(captions=count["captions"], sign=count["sign"], other=count["needs"])
