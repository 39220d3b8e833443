"""People who run events: accounts, roles, sessions at the desk."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from registration.extensions import Base
from registration.models.event import Event
from registration.models.types import Id, UtcDateTime, words


class Role(enum.StrEnum):
    """What an organizer may do; `domain.access` says which role may do what."""

    OWNER = "owner"
    EDITOR = "editor"
    REVIEWER = "reviewer"
    EXPORTER = "exporter"
    VIEWER = "viewer"


class Organizer(Base):
    """A person with an account. The address is sealed and found by its keyed hash, like a participant's."""

    __tablename__ = "organizer"

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    address_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    password_generation: Mapped[int] = mapped_column(default=0)
    """Rises when a password is set or a new one-time link is given: ends the links before."""
    password_link_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    factor: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Sealed: the secret of the second factor, and digests of the recovery codes that are left."""
    factor_step: Mapped[int | None] = mapped_column(BigInteger)
    """The last step of time whose code was taken; None while the second factor is not in force."""
    disabled: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    roles: Mapped[list[OrganizerRole]] = relationship(back_populates="organizer", cascade="all, delete-orphan")


class OrganizerRole(Base):
    """A role on one event, or on all where no event is named."""

    __tablename__ = "organizer_role"
    __table_args__ = (UniqueConstraint("organizer_id", "event_id", "role"),)

    id: Mapped[Id]
    organizer_id: Mapped[int] = mapped_column(ForeignKey("organizer.id", ondelete="CASCADE"))
    event_id: Mapped[int | None] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    role: Mapped[Role] = mapped_column(words(Role))

    organizer: Mapped[Organizer] = relationship(back_populates="roles")
    event: Mapped[Event | None] = relationship()


class OrganizerSession(Base):
    """One sign-in. The cookie holds the token, we hold its digest; signing out deletes the row."""

    __tablename__ = "organizer_session"

    id: Mapped[Id]
    token_digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    organizer_id: Mapped[int] = mapped_column(ForeignKey("organizer.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    password_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the password was typed again; None: not since the sign-in."""

    organizer: Mapped[Organizer] = relationship()
