"""An event in numbers: by category and state, per session, per language of the stream, and what people need.

Whoever may see the list is told them exactly: they could count it. All others get rough ones (`domain.rough`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import case, func, select

from registration.domain import stopped
from registration.domain.admission import HOLDING
from registration.domain.attendees import Shown, shown_categories
from registration.domain.livestream import stream_languages
from registration.domain.personal import bound_to
from registration.domain.rough import Rough, choices, exact, parts, rough, some, total
from registration.extensions import db, keyring
from registration.models import Category, Event, EventSession, Registration, SessionChoice
from registration.models.registration import RegistrationState as State

NEEDS = ("captions", "sign", "needs")
ROWS_AT_ONCE = 1000
MOST_OPENED = 2000
"""For how many confirmed the needs are counted, which are sealed: all have to be opened each time."""
Count = Counter[State]
Told = Mapping[State, Rough]


@dataclass(frozen=True)
class Needs:
    """How many of the confirmed need what; `other`: have written something of their own."""

    captions: Rough
    sign: Rough
    other: Rough


@dataclass(frozen=True)
class Line:
    """A category, or all at risk together: how many in each state, and how many places there are (None: no limit)."""

    category: Shown
    count: Told
    places: int | None

    @property
    def held(self) -> Rough:
        """How many places are held."""
        return total(self.count[state] for state in HOLDING)


@dataclass(frozen=True)
class Figures:
    """An event's numbers. `sessions`, `languages` and `needs` (None: too many to open) count the confirmed; `stopped`:
    to how many people no mail is sent, for it comes back. `are_kept`: all that stayed when people were forgotten."""

    lines: Sequence[Line]
    sessions: Sequence[tuple[EventSession, Rough]]
    languages: Sequence[tuple[str, Rough]]
    needs: Needs | None
    stopped: int
    are_kept: bool

    @property
    def total(self) -> Told:
        """How many there are in each state."""
        return {state: total(line.count[state] for line in self.lines) for state in State}

    @property
    def held(self) -> Rough:
        """How many places of the event are held."""
        return total(line.held for line in self.lines)


def figures(event: Event, *, unmasked: bool, exactly: bool) -> Figures:
    """Return the numbers of an event, rough ones unless `exactly`; after its data is forgotten, those that were kept,
    which are masked and rough for everybody."""
    counts = _counts(event)
    if not counts and event.kept_numbers:
        return Figures(_kept_lines(event), [], [], None, 0, are_kept=True)
    tell = exact if exactly else rough
    shown = shown_categories(event, unmasked=unmasked)
    lines = [_line(event, one, {state: tell(number) for state, number in _of(one, counts).items()}) for one in shown]
    confirmed = total(line.count[State.CONFIRMED] for line in lines)
    is_few = sum(count[State.CONFIRMED] for count in counts.values()) <= MOST_OPENED
    return Figures(
        lines=lines,
        sessions=_per_session(event, None if exactly else confirmed),
        languages=_per_language(event, None if exactly else confirmed),
        needs=_needs(event, None if exactly else confirmed) if is_few else None,
        stopped=stopped.counts([event])[event.id],
        are_kept=False,
    )


def totals(events: Sequence[Event], *, exactly: Collection[int]) -> dict[int, Told]:
    """Return {event id: how many in each state}, by two queries for all; rough numbers but for these events. They are
    the sums of what `figures` tells, so that no total says more."""
    ids = [event.id for event in events]
    cell = case((Category.at_risk, 0), else_=Category.id)
    cells = db.session.execute(select(Category.event_id, cell).where(Category.event_id.in_(ids)).distinct()).all()
    rows = db.session.execute(
        select(Registration.event_id, cell, Registration.state, func.count())
        .join(Category, Category.id == Registration.category_id)
        .where(Registration.event_id.in_(ids), Registration.leaving_since.is_(None))
        .group_by(Registration.event_id, cell, Registration.state)
    )
    numbers = Counter({(event_id, one, state): number for event_id, one, state, number in rows})
    found: dict[int, Told] = {}
    for event_id in ids:
        tell, own = exact if event_id in exactly else rough, [one for owner, one in cells if owner == event_id]
        found[event_id] = {state: total(tell(numbers[event_id, one, state]) for one in own) for state in State}
    return found


def to_keep(event: Event) -> dict[str, dict[str, int]]:
    """Return the numbers that stay when an event's people are forgotten: {category as all see it: {state: count}},
    each rounded down, so that none points at a person."""
    counts = _counts(event)
    kept = {
        shown.name: {state.value: low for state, number in _of(shown, counts).items() if (low := rough(number).low)}
        for shown in shown_categories(event, unmasked=False)
    }
    return {name: numbers for name, numbers in kept.items() if numbers}


def _counts(event: Event) -> dict[int, Count]:
    """Return {category id: how many in each state}; nothing where nobody has signed up, or all are forgotten."""
    found: defaultdict[int, Count] = defaultdict(Counter)
    rows = db.session.execute(
        select(Registration.category_id, Registration.state, func.count())
        .where(Registration.event_id == event.id, Registration.leaving_since.is_(None))
        .group_by(Registration.category_id, Registration.state)
    )
    for category_id, state, number in rows:
        found[category_id][state] = number
    return dict(found)


def _of(shown: Shown, counts: Mapping[int, Count]) -> dict[State, int]:
    return {state: sum(counts[one][state] for one in shown.ids if one in counts) for state in State}


def _kept_lines(event: Event) -> list[Line]:
    """Return what was kept. Before, categories at risk were kept apart: they are one here too."""
    slugs = {one.id: one.slug for one in event.categories}
    lines = []
    for shown in shown_categories(event, unmasked=False):
        kept = [event.kept_numbers.get(name, {}) for name in {shown.name, *(slugs[one] for one in shown.ids)}]
        told = {state: rough(sum(numbers.get(state.value, 0) for numbers in kept)) for state in State}
        lines.append(_line(event, shown, told))
    return lines


def _line(event: Event, shown: Shown, count: Told) -> Line:
    limits = [one.places for one in event.categories if one.id in shown.ids]
    known = [limit for limit in limits if limit is not None]
    return Line(shown, count, sum(known) if len(known) == len(limits) else None)


def _per_session(event: Event, whole: Rough | None) -> list[tuple[EventSession, Rough]]:
    """Return how many confirmed have chosen each session; `whole`: how many they are, where all numbers are rough."""
    rows = db.session.execute(
        select(SessionChoice.session_id, func.count())
        .join(Registration, Registration.id == SessionChoice.registration_id)
        .where(Registration.event_id == event.id, Registration.state == State.CONFIRMED)
        .group_by(SessionChoice.session_id)
    )
    found = dict(rows.all())
    numbers = [found.get(session.id, 0) for session in event.sessions]
    told = [exact(one) for one in numbers] if whole is None else choices(numbers, whole)
    return list(zip(event.sessions, told, strict=True))


def _per_language(event: Event, whole: Rough | None) -> list[tuple[str, Rough]]:
    """Return how many follow in each language; where numbers are rough, in each that is offered, lest the list itself
    tells which ones somebody has chosen."""
    number = func.count()
    rows = db.session.execute(
        select(Registration.stream_language, number)
        .where(Registration.event_id == event.id, Registration.state == State.CONFIRMED)
        .group_by(Registration.stream_language)
        .order_by(number.desc(), Registration.stream_language)
    )
    found = dict(rows.all())
    if whole is None:
        return [(language, exact(number)) for language, number in found.items()]
    offered = stream_languages(event.sessions)
    return list(zip(offered, parts([found.get(one, 0) for one in offered], whole), strict=True))


def _needs(event: Event, whole: Rough | None) -> Needs:
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
        count.update(name for name in NEEDS if personal.get(name))
    numbers = [count[name] for name in NEEDS]
    return Needs(*([exact(one) for one in numbers] if whole is None else some(numbers, whole)))
