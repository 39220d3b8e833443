"""The book of looks: who saw which person's category at risk or name for vetting, when and why."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from registration.extensions import Base
from registration.models.event import Event
from registration.models.organizer import Organizer
from registration.models.types import Id, UtcDateTime


class Unmasking(Base):
    """Written before anything is shown. Without a registration it was the list. `sealed` holds the reason, which may
    name people; it is empty when they are forgotten."""

    __tablename__ = "unmasking"

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), index=True)
    organizer_id: Mapped[int] = mapped_column(ForeignKey("organizer.id"))
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id", ondelete="SET NULL"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)

    event: Mapped[Event] = relationship()
    organizer: Mapped[Organizer] = relationship()
