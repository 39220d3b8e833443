"""One person's place at one event."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from registration.extensions import Base
from registration.models.event import Category, Event
from registration.models.programme import EventSession
from registration.models.types import Id, LanguageTag, UtcDateTime, ZoneName, words

if TYPE_CHECKING:
    from registration.models.invitation import Invitation

PROVED = b"proved"


class RegistrationState(enum.StrEnum):
    """Where a registration stands; `domain.admission` says which steps there are."""

    UNVERIFIED = "unverified"
    IN_REVIEW = "in_review"
    WAITING = "waiting"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    CANCELLED = "cancelled"


class Registration(Base):
    """The open part is for counting and filtering; name, address, organization, answers, needs and the reason of a
    decision are in `sealed` (see `domain.personal`), bound to `public_id`.

    `claim` is a digest of the answers until the address is proved, then PROVED: the same sign-up twice is one row, a
    stranger's is another, and only one of an address can be proved.
    """

    __tablename__ = "registration"
    __table_args__ = (
        UniqueConstraint("event_id", "address_hash", "claim"),
        Index("ix_registration_list", "event_id", "state", "category_id"),
        Index(
            "ix_registration_queue",
            "event_id",
            "waiting_since",
            sqlite_where=text("waiting_since IS NOT NULL"),
            postgresql_where=text("waiting_since IS NOT NULL"),
        ),
        Index("ix_registration_expiry", "state", "expires_at"),
        Index(
            "ix_registration_leaving",
            "leaving_since",
            sqlite_where=text("leaving_since IS NOT NULL"),
            postgresql_where=text("leaving_since IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id"))
    address_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    claim: Mapped[bytes] = mapped_column(LargeBinary(32))
    state: Mapped[RegistrationState] = mapped_column(words(RegistrationState))
    language: Mapped[LanguageTag]
    """The language of pages and mails for this person."""
    stream_language: Mapped[LanguageTag]
    """The language to follow the sessions in; `Stream.language` says which there are."""
    zone: Mapped[ZoneName]
    country: Mapped[str] = mapped_column(String(2), default="")
    """ISO 3166 alpha-2, or nothing."""
    discreet: Mapped[bool] = mapped_column(default=False)
    invitations: Mapped[bool] = mapped_column(default=True, server_default=true())
    """Whether this person wants invitations by mail, where the event sends them; others take a feed or files."""
    unsubscribed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When this person asked for no more reminders and announcements (RFC 8058); None while they want them."""
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    vetting: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """The name for vetting, sealed apart from the rest: whatever reads registrations for a list does not
    load it."""
    manage_generation: Mapped[int] = mapped_column(default=0)
    manage_renewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    feed_generation: Mapped[int] = mapped_column(default=0)
    feed_renewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    unsubscribe_generation: Mapped[int] = mapped_column(default=0, server_default="0")
    unsubscribe_renewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    feed_on: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When an unverified registration goes."""
    proved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    waiting_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("organizer.id"))
    leaving_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When this person asked to be erased: they are in no list any more, and go when the farewell mail has left."""

    event: Mapped[Event] = relationship()
    category: Mapped[Category] = relationship()
    choices: Mapped[list[SessionChoice]] = relationship(
        cascade="all, delete-orphan", order_by="SessionChoice.session_id", passive_deletes=True
    )
    invitations_held: Mapped[list[Invitation]] = relationship(
        back_populates="registration", cascade="all, delete-orphan", passive_deletes=True
    )


class SessionChoice(Base):
    """That a registration is for this session."""

    __tablename__ = "session_choice"
    __table_args__ = ({"sqlite_with_rowid": False},)

    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id", ondelete="CASCADE"), primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("event_session.id", ondelete="CASCADE"), primary_key=True)

    session: Mapped[EventSession] = relationship()
