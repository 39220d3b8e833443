"""The book of exports: who took which list, when and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from registration.extensions import Base
from registration.models.event import Event
from registration.models.organizer import Organizer
from registration.models.types import Id, UtcDateTime


class Export(Base):
    """Written before the first row leaves. `sealed` holds the reason and the search, which may name people; it is empty
    when they are forgotten."""

    __tablename__ = "export"

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), index=True)
    organizer_id: Mapped[int] = mapped_column(ForeignKey("organizer.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    format: Mapped[str] = mapped_column(String(8))
    columns: Mapped[list[str]] = mapped_column(JSON)
    filters: Mapped[dict[str, Any]] = mapped_column(JSON)
    unmasked: Mapped[bool] = mapped_column(default=False)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)

    event: Mapped[Event] = relationship()
    organizer: Mapped[Organizer] = relationship()
