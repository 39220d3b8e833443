"""Lists that leave the house: written into the book first, then streamed from the database as CSV, XLSX or JSON.

Rows are read in short units of work, so that none stays open while a client reads slowly, and nothing of them is held
but the rows at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, exists, func, select, true

from registration.domain import access, accounts, attendees, columns, naming, tables
from registration.domain.access import Action
from registration.domain.attendees import Filters
from registration.domain.columns import DEFAULT_COLUMNS
from registration.domain.personal import Personal, bound_to
from registration.domain.tables import Cell, Format
from registration.errors import Refusal
from registration.extensions import db, keyring
from registration.keys import new_public_id
from registration.models import Event, Export, Organizer, Registration
from registration.text import clean_lines, is_writable

__all__ = ["DEFAULT_COLUMNS", "Entry", "Format", "Order"]

ROWS_AT_ONCE = 500
NO_FIELDS = asdict(Personal(name="", address=""))
"""What a value that was sealed before some field was there lacks."""
PER_HOUR = 5
"""How many lists one organizer may take by the web in an hour."""
REASON_LENGTH = 500


@dataclass(frozen=True)
class Order:
    """What somebody wants to take and why. `unmask`: name the categories at risk; owners only."""

    format: Format
    columns: tuple[str, ...] = DEFAULT_COLUMNS
    unmask: bool = False
    reason: str = ""
    filters: Filters = field(default_factory=Filters)


@dataclass(frozen=True)
class Entry:
    """One line of the book of exports, opened."""

    at: datetime
    by: Organizer
    format: str
    columns: Sequence[str]
    filters: dict[str, str]
    unmasked: bool
    reason: str
    search: str


def write_down(event: Event, organizer: Organizer, order: Order, *, now: datetime) -> Export:
    """Write into the book who takes which list and why; commit that, then `stream` or `write_to` gives the list.

    Raises Refusal if the organizer may not, the reason is missing, or a column or filter is unknown.
    """
    _refuse_unless_allowed(event, organizer, order)
    reason = _checked_reason(order.reason)
    _refuse_unnamed(event, order)
    attendees.conditions_of(event, order.filters, unmasked=order.unmask)
    chosen = columns.chosen(event, order.columns, unmasked=order.unmask)
    open_filters = asdict(replace(order.filters, search="", by_name=False))
    public_id = new_public_id()
    export = Export(
        public_id=public_id,
        event_id=event.id,
        organizer_id=organizer.id,
        at=now,
        format=order.format,
        columns=[one.name for one in chosen],
        filters={name: value for name, value in open_filters.items() if value},
        unmasked=order.unmask,
        sealed=_sealed(public_id, reason=reason, search=order.filters.search),
    )
    db.session.add(export)
    db.session.flush()
    return export


def _refuse_unnamed(event: Event, order: Order) -> None:
    """Refuse a list of one category at risk that does not say so: the book would not tell what left."""
    at_risk = {category.slug for category in event.categories if category.at_risk}
    if order.filters.category in at_risk and not order.unmask:
        sentence = _l("This list is of one category at risk: tick that categories are named, or choose another list.")
        raise Refusal(sentence, "unmask")


def refuse_too_many(organizer: Organizer, *, now: datetime) -> None:
    """Raise Refusal if the organizer has taken as many lists in the last hour as one may."""
    accounts.lock(organizer)
    taken = db.session.scalar(
        select(func.count()).where(Export.organizer_id == organizer.id, Export.at > now - timedelta(hours=1))
    )
    if (taken or 0) >= PER_HOUR:
        raise Refusal(_l("You have taken %(number)s lists within an hour; wait before the next.", number=PER_HOUR))


def book(event: Event) -> list[Entry]:
    """Return what stands in the book of an event, the latest first."""
    found = db.session.execute(
        select(Export, Organizer)
        .join(Export.organizer)
        .where(Export.event_id == event.id)
        .order_by(Export.at.desc(), Export.id.desc())
    )
    return [_entry(export, organizer) for export, organizer in found]


def forget_words(event: Event) -> None:
    """Blank the reasons and searches in the book of an event, which may name people; who took what and when stays."""
    for export in db.session.scalars(select(Export).where(Export.event_id == event.id)):
        export.sealed = b""


def forget_name(event_id: int, called: frozenset[str]) -> None:
    """Take somebody who is erased, `called` so, out of the reasons and searches in the book of an event."""
    for export in db.session.scalars(select(Export).where(Export.event_id == event_id, Export.sealed != b"")):
        words = _words(export)
        reason = naming.without(words["reason"], called)
        search = "" if naming.finds(words["search"], called) else words["search"]
        if (reason, search) != (words["reason"], words["search"]):
            export.sealed = _sealed(export.public_id, reason=reason, search=search)


def holds_words() -> ColumnElement[bool]:
    """Return the condition on an Event that its book still holds reasons and searches."""
    return exists().where(Export.event_id == Event.id, Export.sealed != b"")


def write_to(file: BinaryIO, export: Export, folder: Path) -> int:
    """Write the list that stands in the book to a file open for writing bytes; `folder` is as for `stream`.

    Returns how many people are in it.
    """
    listing = Listing(export, folder)
    for part in listing.parts():
        file.write(part)
    return listing.count


def stream(export: Export, folder: Path) -> Iterator[bytes]:
    """Return the parts of the list that stands in the book, made as they are asked for; where a format needs files on
    the way, they are in `folder`."""
    return Listing(export, folder).parts()


class Listing:
    """The list of one entry in the book. `count`: how many people have been read so far."""

    def __init__(self, export: Export, folder: Path) -> None:
        """Read what is needed to make it. Raises LookupError if the entry is not committed."""
        export = _committed(export.public_id)
        event = export.event
        self.count = 0
        self._folder = folder
        self._format = Format(export.format)
        self._made_at = export.at
        self._event_id = event.id
        self._columns = columns.chosen(event, export.columns, unmasked=export.unmasked)
        search = _words(export)["search"]
        self._fits = attendees.matcher(search)
        filters = Filters(**export.filters, search=search)
        self._conditions = attendees.conditions_of(event, filters, unmasked=export.unmasked)
        db.session.rollback()

    def parts(self) -> Iterator[bytes]:
        """Yield the file, part by part."""
        writer = tables.WRITERS[self._format]
        return writer([one.name for one in self._columns], self._chunks(), self._made_at, self._folder)

    def _chunks(self) -> Iterator[list[list[Cell]]]:
        sources = dict.fromkeys(source for column in self._columns for source in column.sources)
        known = [name for name in sources if name in columns.SOURCES]
        sealed = list(dict.fromkeys(["name", "organization", *(name for name in sources if name not in known)]))
        place = {name: number for number, name in enumerate([*sealed, *known])}
        selected = [columns.SOURCES[name] for name in known]
        for rows in _read(self._event_id, self._conditions, selected):
            found = _opened(rows, sealed)
            if self._fits:
                found = [row for row in found if self._fits(row[0], row[1])]
            self.count += len(found)
            yield [column.cells(found, place) for column in self._columns]


def _opened(rows: Sequence[Any], fields: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return the rows with these fields of their sealed part (two at least) in the place of the seal.

    What was opened goes at once: to hold it for some hundred rows would keep the garbage collector busy.
    """
    open_sealed, take = keyring.keys.open, itemgetter(*fields)
    found = []
    for _id, public_id, sealed, *known in rows:
        personal = open_sealed(sealed, bound_to(public_id))
        try:
            found.append((*take(personal), *known))
        except KeyError:
            found.append((*take({**NO_FIELDS, **personal}), *known))
    return found


def _read(event_id: int, conditions: Sequence[ColumnElement[bool]], selected: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield the rows that fit in the order of their ids, each chunk read in a short transaction of its own."""
    with db.engine.connect() as connection:
        first, last = connection.execute(
            select(func.min(Registration.id), func.max(Registration.id)).where(Registration.event_id == event_id)
        ).one()
    query = (
        select(Registration.id, Registration.public_id, Registration.sealed, *selected)
        .where(_without_index(Registration.event_id == event_id, *conditions))
        .order_by(Registration.id)
        .limit(ROWS_AT_ONCE)
    )
    start, last = first or 0, last or -1
    while start <= last:
        with db.engine.connect() as connection:
            rows = connection.execute(query.where(Registration.id.between(start, last))).all()
        yield rows
        start = rows[-1][0] + 1 if len(rows) == ROWS_AT_ONCE else last + 1


def _without_index(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return all conditions as one for which SQLite has no index: by one it would go through all of the event's rows
    and sort them, for each chunk anew. What is left to it is the order of the ids."""
    return and_(*conditions).self_group() == true()


def _sealed(public_id: str, *, reason: str, search: str) -> bytes:
    return keyring.keys.seal({"reason": reason, "search": search}, f"export/{public_id}")


def _words(export: Export) -> dict[str, str]:
    if not export.sealed:
        return {"reason": "", "search": ""}
    words: dict[str, str] = keyring.keys.open(export.sealed, f"export/{export.public_id}")
    return words


def _committed(public_id: str) -> Export:
    """Return an entry of the book as the database holds it: one that is not committed is not there."""
    db.session.rollback()
    export = db.session.scalar(select(Export).where(Export.public_id == public_id))
    if export is None:
        raise LookupError("a list leaves only when its entry in the book is committed")
    return export


def _refuse_unless_allowed(event: Event, organizer: Organizer, order: Order) -> None:
    if not access.may(organizer, Action.EXPORT, event):
        raise Refusal(_l("This account may not export lists of this event; ask an owner for the role of exporter."))
    if order.unmask and not access.may(organizer, Action.UNMASK, event):
        raise Refusal(_l("Only an owner may name the categories at risk; export without them."), "unmask")


def _checked_reason(typed: str) -> str:
    reason = clean_lines(typed)
    if not reason:
        raise Refusal(_l("Say why you take this list: the reason is kept in the book of exports."), "reason")
    if not is_writable(typed) or len(reason) > REASON_LENGTH:
        sentence = _l("Write the reason in up to %(number)s plain characters.", number=REASON_LENGTH)
        raise Refusal(sentence, "reason")
    return reason


def _entry(export: Export, organizer: Organizer) -> Entry:
    return Entry(
        at=export.at,
        by=organizer,
        format=export.format,
        columns=export.columns,
        filters=export.filters,
        unmasked=export.unmasked,
        **_words(export),
    )
