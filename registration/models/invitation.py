"""One person's calendar entry for one session, as far as our mails have made it."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from registration.extensions import Base
from registration.models.programme import EventSession
from registration.models.registration import Registration
from registration.models.types import Id, UtcDateTime, words


class Standing(enum.StrEnum):
    """What somebody holds by the last mail that was handed over."""

    NONE = "none"
    INVITED = "invited"
    """An invitation (iTIP), which its calendar keeps up to date."""
    INFORMED = "informed"
    """The times, and a file."""
    CANCELLED = "cancelled"
    """Word that it is off, or off for them."""


class Reply(enum.StrEnum):
    """What came back in this person's name (RFC 5546, 3.2.3). Senders can be forged: it is a note, no more."""

    ACCEPTED = "accepted"
    TENTATIVE = "tentative"
    DECLINED = "declined"


class Invitation(Base):
    """What one person holds of one session. `revision` says which of the session's revisions they were told, and
    `told_words` is a digest of the person's own part in it (language, discreet mode, neutral title).

    SEQUENCE is the session's revision plus `bumps`, which rise with the person's own coming, going and changing.
    """

    __tablename__ = "invitation"
    __table_args__ = (UniqueConstraint("registration_id", "session_id"),)

    id: Mapped[Id]
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id", ondelete="CASCADE"))
    session_id: Mapped[int] = mapped_column(ForeignKey("event_session.id", ondelete="CASCADE"), index=True)
    bumps: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When `bumps` last rose."""
    standing: Mapped[Standing] = mapped_column(words(Standing), default=Standing.NONE)
    revision: Mapped[int | None]
    told_words: Mapped[bytes] = mapped_column(LargeBinary(32), default=b"")
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reply: Mapped[Reply | None] = mapped_column(words(Reply))
    replied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    registration: Mapped[Registration] = relationship(back_populates="invitations_held")
    session: Mapped[EventSession] = relationship()
