"""The book of looks: who saw which person's category at risk or name for vetting, when and why."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from registration.extensions import Base
from registration.models.event import Event
from registration.models.organizer import Organizer
from registration.models.types import Id, UtcDateTime, words


class Sight(enum.StrEnum):
    """What somebody looks at."""

    LIST = "list"
    """The categories at risk of all who are on the list."""
    CATEGORY = "category"
    """One person's category at risk, and what is asked in it."""
    VETTING_NAME = "vetting_name"


class Unmasking(Base):
    """Written before anything is shown. `registration_id`: whose, until they are erased; none for the list. `sealed`
    holds the reason, which may name people; it is empty when they are forgotten."""

    __tablename__ = "unmasking"

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), index=True)
    organizer_id: Mapped[int] = mapped_column(ForeignKey("organizer.id"))
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id", ondelete="SET NULL"), index=True)
    what: Mapped[Sight] = mapped_column(words(Sight))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When a look at the list was closed before its time."""
    sealed: Mapped[bytes] = mapped_column(LargeBinary)

    event: Mapped[Event] = relationship()
    organizer: Mapped[Organizer] = relationship()
