"""The columns of an export: where each comes from, and what is masked of people at risk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, String, func, select, type_coerce

from registration.domain.attendees import category_names, shown_categories
from registration.domain.tables import Cell
from registration.errors import Refusal, plain
from registration.models import Event, EventSession, Registration, SessionChoice

DEFAULT_COLUMNS = ("name", "organization", "country", "state")
ANSWERS = "answers"
"""Stands for all the questions of the event, a column "answer.NAME" each."""
ANSWER = "answer."

SOURCES: dict[str, ColumnElement[Any]] = {
    "country": Registration.country.expression,
    "state": type_coerce(Registration.state, String),
    "category": Registration.category_id.expression,
    "language": Registration.language.expression,
    "stream_language": Registration.stream_language.expression,
    "zone": Registration.zone.expression,
    "discreet": Registration.discreet.expression,
    "signed_up_at": Registration.created_at.expression,
    "confirmed_at": Registration.confirmed_at.expression,
    "sessions": select(func.aggregate_strings(EventSession.slug, " "))
    .join(SessionChoice, SessionChoice.session_id == EventSession.id)
    .where(SessionChoice.registration_id == Registration.id)
    .scalar_subquery(),
}
"""What the database knows in the open; what a column needs beyond these is in the sealed part."""


@dataclass(frozen=True)
class Column:
    """One column. `sources`: what its cells are made of, by names in SOURCES and of fields of Personal; `make` takes
    one value of each, and without it the value of the only source is the cell."""

    name: str
    sources: tuple[str, ...]
    make: Callable[..., Cell] | None = None

    def cells(self, rows: Sequence[Sequence[Any]], place: Mapping[str, int]) -> list[Cell]:
        """Return the column's cells for some rows, in which each source stands at its `place`."""
        places = [place[source] for source in self.sources]
        if self.make is None:
            (only,) = places
            return [row[only] for row in rows]
        return [self.make(*[row[one] for one in places]) for row in rows]


def available(event: Event, *, unmasked: bool) -> dict[str, Column]:
    """Return the columns there are for an event. What only people at risk are asked is left out unless `unmasked`."""
    names = category_names(shown_categories(event, unmasked=unmasked))
    slugs = [session.slug for session in event.sessions]
    found = [
        *map(_plain, ("name", "organization", "country", "state")),
        Column("category", ("category",), names.__getitem__),
        _plain("address"),
        Column("sessions", ("sessions",), _in_order(slugs)),
        *map(_plain, ("language", "stream_language", "zone", "captions", "sign", "needs", "discreet")),
        *map(_plain, ("signed_up_at", "confirmed_at", "reason")),
        *_answers(event, unmasked=unmasked),
    ]
    return {column.name: column for column in found}


def chosen(event: Event, names: Iterable[str], *, unmasked: bool) -> list[Column]:
    """Return the columns with these names, each once, in their order. Raises Refusal for one that there is not."""
    columns = available(event, unmasked=unmasked)
    answers = [name for name in columns if name.startswith(ANSWER)]
    found: dict[str, Column] = {}
    for name in (one.strip() for one in names):
        for each in answers if name == ANSWERS else [name]:
            if each not in columns:
                raise Refusal(
                    _l(
                        "There is no column “%(name)s”; there are %(names)s.",
                        name=plain(each),
                        names=", ".join([*columns, ANSWERS]),
                    ),
                    "columns",
                )
            found[each] = columns[each]
    if not found:
        raise Refusal(_l("Choose at least one column."), "columns")
    return list(found.values())


def _plain(name: str) -> Column:
    return Column(name, (name,))


def _answers(event: Event, *, unmasked: bool) -> list[Column]:
    """A column for each question, filled for the categories whose answers may be seen."""
    seen = [one for one in event.categories if unmasked or not one.at_risk]
    ids = frozenset(one.id for one in seen)
    names = dict.fromkeys(question.name for one in seen for question in one.questions)
    return [_answer(name, ids) for name in names if name not in ("organization", "country")]


def _answer(name: str, seen: frozenset[int]) -> Column:
    def made(category_id: int, answers: dict[str, Cell]) -> Cell:
        return answers.get(name, "") if category_id in seen else ""

    return Column(ANSWER + name, ("category", "answers"), made)


def _in_order(order: Sequence[str]) -> Callable[[str | None], Cell]:
    """Return what makes a list, in this order, of the words that the database has joined."""

    def made(joined: str | None) -> Cell:
        words = set((joined or "").split())
        return [word for word in order if word in words]

    return made
