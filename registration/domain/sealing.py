"""Every sealed column, and how what is in it comes under the newest key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import ColumnElement, bindparam, func, not_, or_, select, update

from registration.extensions import Base, db, keyring
from registration.keys import SealError, name_of_key
from registration.models import Export, Organizer, Registration, Submission, Unmasking

LONGEST_PREFIX = 17
"""Octets in front of a sealed value: a key's name and a colon."""


@dataclass(frozen=True)
class SealedColumn:
    """A column of sealed values. Each is bound to its row by `kind` and the row's `public_id`."""

    model: type[Base]
    name: str
    kind: str

    def __str__(self) -> str:
        return f"{self.model.__tablename__}.{self.name}"

    def bound_to(self, public_id: str) -> str:
        """Return what the value in this row is bound to."""
        return f"{self.kind}/{public_id}"

    @property
    def values(self) -> ColumnElement[bytes]:
        """The column in a query."""
        return self.model.__table__.c[self.name]

    def is_sealed_with(self, names: Iterable[str]) -> ColumnElement[bool]:
        """Return the condition on a row that its value names one of these keys."""
        return or_(*(func.substr(self.values, 1, len(name) + 1) == f"{name}:".encode() for name in names))


SEALED = (
    SealedColumn(Registration, "sealed", "registration"),
    SealedColumn(Registration, "vetting", "vetting"),
    SealedColumn(Organizer, "sealed", "organizer"),
    SealedColumn(Organizer, "factor", "factor"),
    SealedColumn(Export, "sealed", "export"),
    SealedColumn(Submission, "sealed", "submission"),
    SealedColumn(Unmasking, "sealed", "unmasking"),
)
"""All of them. A value that is empty, or NULL, holds nothing."""


@dataclass(frozen=True)
class Batch:
    """What came of a batch: how many values were resealed, and the id of the last row."""

    resealed: int
    last: int


def reseal_batch(column: SealedColumn, *, after: int, limit: int) -> Batch | None:
    """Seal with the newest key what is sealed with others, in the next rows after an id; in a unit of work.

    Returns None where there is no such row. Rows that somebody is just changing are left out: nobody is waited for,
    so nobody can be waiting for us in turn. What does not open stays as it is.
    """
    table, keys = column.model.__table__, keyring.keys
    rows = db.session.execute(
        select(table.c.id, table.c.public_id, column.values)
        .where(table.c.id > after, _holds(column), not_(column.is_sealed_with(keys.names[:1])))
        .order_by(table.c.id)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)
    ).all()
    if not rows:
        return None
    renewed = []
    for number, public_id, sealed in rows:
        with suppress(SealError):
            renewed.append({"row": number, "value": keys.reseal(sealed, column.bound_to(public_id))})
    if renewed:
        statement = update(column.model).where(table.c.id == bindparam("row"))
        db.session.connection().execute(statement.values({column.name: bindparam("value")}), renewed)
    return Batch(len(renewed), rows[-1].id)


def count_by_key(column: SealedColumn) -> Counter[str]:
    """Return how many values of a column are sealed with which key: those of SEAL_KEYS, and others that it names."""
    names, found = list(keyring.keys.names), Counter[str]()
    while (other := _other_name(column, names)) is not None:
        names.append(other)
    for name in names:
        if count := db.session.scalar(select(func.count()).where(_holds(column), column.is_sealed_with([name]))):
            found[name] = count
    return found


def names_a_value(name: str) -> bool:
    """Whether any value is sealed with the key of this name."""
    return any(_sample(column, column.is_sealed_with([name])) for column in SEALED)


def strange_names() -> list[str]:
    """Return names of keys that values are sealed with and that are not in SEAL_KEYS; one for each column at most."""
    found = (_other_name(column, keyring.keys.names) for column in SEALED)
    return sorted({name for name in found if name is not None})


def opens(name: str) -> bool:
    """Whether the key of this name opens a value that is sealed with it, or there is none."""
    for column in SEALED:
        if sample := _sample(column, column.is_sealed_with([name])):
            public_id, sealed = sample
            try:
                keyring.keys.open(sealed, column.bound_to(public_id))
            except SealError:
                return False
            return True
    return True


def _holds(column: SealedColumn) -> ColumnElement[bool]:
    return func.length(column.values) > 0


def _other_name(column: SealedColumn, names: Iterable[str]) -> str | None:
    sample = _sample(column, not_(column.is_sealed_with(names)))
    return name_of_key(sample[1][:LONGEST_PREFIX]) if sample else None


def _sample(column: SealedColumn, condition: ColumnElement[bool]) -> tuple[str, bytes] | None:
    table = column.model.__table__
    row = db.session.execute(select(table.c.public_id, column.values).where(_holds(column), condition).limit(1)).first()
    return (row[0], bytes(row[1])) if row else None
