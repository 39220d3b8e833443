"""Column types and the shapes of what is kept as JSON."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated

import pytz
from sqlalchemy import BigInteger, DateTime, Dialect, Enum, Integer, String
from sqlalchemy.orm import mapped_column
from sqlalchemy.types import TypeDecorator

Texts = dict[str, str]
"""What people read, by language tag (BCP 47): {"en": "Opening session", "fr": "Séance d’ouverture"}."""


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, kept in UTC without an offset. Refuses a naive value."""

    impl = DateTime(timezone=False)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Write an aware datetime as naive UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs its zone: this datetime is naive")
        return value.astimezone(pytz.utc).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read it back as an aware datetime in UTC."""
        return None if value is None else value.replace(tzinfo=pytz.utc)


def words(kind: type[enum.StrEnum]) -> Enum:
    """Return a column type that keeps the values of a StrEnum as words, and lets nothing else in."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=20,
        values_callable=lambda members: [member.value for member in members],
        name=kind.__name__.lower(),
    )


Id = Annotated[int, mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)]
Slug = Annotated[str, mapped_column(String(80))]
LanguageTag = Annotated[str, mapped_column(String(16))]
ZoneName = Annotated[str, mapped_column(String(64))]
