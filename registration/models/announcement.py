"""What organizers write to a group of people."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from registration.extensions import Base
from registration.models.event import Event
from registration.models.types import Id, Texts, UtcDateTime


class Announcement(Base):
    """One message in the languages of its event, and whom it is for; a list that names nothing means all.

    A draft has no `send_at`. Sent, it can be taken back until then; after that its mails are made, once.
    """

    __tablename__ = "announcement"

    id: Mapped[Id]
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), index=True)
    subject: Mapped[Texts] = mapped_column(JSON)
    text: Mapped[Texts] = mapped_column(JSON)
    states: Mapped[list[str]] = mapped_column(JSON)
    """Of registrations; at least one."""
    categories: Mapped[list[str]] = mapped_column(JSON)
    sessions: Mapped[list[str]] = mapped_column(JSON)
    languages: Mapped[list[str]] = mapped_column(JSON)
    send_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    made_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When its mails were made."""
    created_by: Mapped[int] = mapped_column(ForeignKey("organizer.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    event: Mapped[Event] = relationship()
