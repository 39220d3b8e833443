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

MakeCells = Callable[[Sequence[Sequence[Any]], Sequence[dict[str, Any]]], list[Cell]]
"""Makes the cells of a column for some rows of the database and their sealed parts, opened: a call for each row and
column would cost more than opening the seal."""

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
"""What the database knows in the open."""


@dataclass(frozen=True)
class Column:
    """One column. `source`: the name in SOURCES of what it needs, or nothing; `bind` takes where in a row each source
    stands and returns what makes the column's cells."""

    name: str
    source: str
    bind: Callable[[Mapping[str, int]], MakeCells]


def available(event: Event, *, unmasked: bool) -> dict[str, Column]:
    """Return the columns there are for an event. What only people at risk are asked is left out unless `unmasked`."""
    names = category_names(shown_categories(event, unmasked=unmasked))
    found = [
        _sealed("name"),
        _sealed("organization"),
        _open("country"),
        _open("state"),
        _open("category", names.__getitem__),
        _sealed("address"),
        _open("sessions", _in_order([session.slug for session in event.sessions])),
        *map(_open, ("language", "stream_language", "zone")),
        *map(_sealed, ("captions", "sign", "needs")),
        *map(_open, ("discreet", "signed_up_at", "confirmed_at")),
        _sealed("reason"),
        *_answers(event, unmasked=unmasked),
    ]
    return {column.name: column for column in found}


def chosen(event: Event, names: Iterable[str], *, unmasked: bool) -> list[Column]:
    """Return the columns with these names, each once, in their order. Raises Refusal for one that there is not."""
    columns = available(event, unmasked=unmasked)
    answers = [name for name in columns if name.startswith("answer.")]
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


def _sealed(name: str) -> Column:
    def cells(_rows: Sequence[Sequence[Any]], personals: Sequence[dict[str, Any]]) -> list[Cell]:
        return [personal.get(name, "") for personal in personals]

    return Column(name, "", lambda _at: cells)


def _open(name: str, made: Callable[[Any], Cell] | None = None) -> Column:
    """A column of what the database knows, as it is or as `made` makes it."""

    def bind(at: Mapping[str, int]) -> MakeCells:
        place = at[name]
        if made is None:
            return lambda rows, _personals: [row[place] for row in rows]
        return lambda rows, _personals: [made(row[place]) for row in rows]

    return Column(name, name, bind)


def _answer(name: str, seen: frozenset[int]) -> Column:
    def bind(at: Mapping[str, int]) -> MakeCells:
        place = at["category"]
        return lambda rows, personals: [
            personal["answers"].get(name, "") if row[place] in seen else ""
            for row, personal in zip(rows, personals, strict=True)
        ]

    return Column(f"answer.{name}", "category", bind)


def _answers(event: Event, *, unmasked: bool) -> list[Column]:
    """A column for each question, filled for the categories whose answers may be seen."""
    seen = [one for one in event.categories if unmasked or not one.at_risk]
    ids = frozenset(one.id for one in seen)
    names = dict.fromkeys(question.name for one in seen for question in one.questions)
    return [_answer(name, ids) for name in names if name not in ("organization", "country")]


def _in_order(order: Sequence[str]) -> Callable[[str | None], Cell]:
    """Return what makes a list, in this order, of the words that the database has joined."""

    def made(joined: str | None) -> Cell:
        words = set((joined or "").split())
        return [word for word in order if word in words]

    return made
