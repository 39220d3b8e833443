"""What somebody has sent by a form that is open to all, until the worker answers it."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registration.extensions import Base
from registration.models.types import Id, UtcDateTime, words


class SubmissionKind(enum.StrEnum):
    """Which form it was."""

    SIGN_UP = "sign_up"
    FIND = "find"


class Submission(Base):
    """One form as it was sent, sealed and bound to `public_id`.

    Whatever is known of an address, the page that takes the form writes one such row and no more: neither its words nor
    its time tell who is registered. `digest` is a keyed one of all that was typed: the same form twice is one row.
    """

    __tablename__ = "submission"
    __table_args__ = (UniqueConstraint("event_id", "kind", "digest"),)

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    kind: Mapped[SubmissionKind] = mapped_column(words(SubmissionKind))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_try_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When the worker may answer it: at once, later where a fault kept it from being answered."""
