"""What happens and where it can be followed: sessions, programme items, speakers, streams."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, DateTime, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from registration.extensions import Base
from registration.models.event import Event
from registration.models.types import Id, Slug, Texts, UtcDateTime, words


class SessionState(enum.StrEnum):
    """Whether a session takes place."""

    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"


class ItemKind(enum.StrEnum):
    """What a part of a session is."""

    OPENING = "opening"
    DISCUSSION = "discussion"
    FILM = "film"
    CLOSING = "closing"
    OTHER = "other"


class Part(enum.StrEnum):
    """How a speaker takes part."""

    MODERATOR = "moderator"
    KEYNOTE = "keynote"
    VIDEO_MESSAGE = "video_message"
    ON_BEHALF_OF = "on_behalf_of"
    SPEAKER = "speaker"


class StreamKind(enum.StrEnum):
    """Live while the session runs, or the recording after it."""

    LIVE = "live"
    RECORDING = "recording"


class Audience(enum.StrEnum):
    """Who may know a stream's address."""

    PUBLIC = "public"
    CONFIRMED = "confirmed"


class EventSession(Base):
    """One session. `starts_wall` and `ends_wall` are what the organizer typed, in the event's zone: the promise;
    `starts_at` and `ends_at` are the instants they come to. `code` makes the neutral address /s/CODE/."""

    __tablename__ = "event_session"
    __table_args__ = (
        UniqueConstraint("event_id", "slug"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
    )

    id: Mapped[Id]
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    slug: Mapped[Slug]
    code: Mapped[str] = mapped_column(String(22), unique=True)
    title: Mapped[Texts] = mapped_column(JSON)
    theme: Mapped[Texts] = mapped_column(JSON)
    description: Mapped[Texts] = mapped_column(JSON)
    documents: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """What can be read after it: [{"label": Texts, "url": str}]"""
    starts_wall: Mapped[datetime] = mapped_column(DateTime)
    ends_wall: Mapped[datetime] = mapped_column(DateTime)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    captions: Mapped[bool] = mapped_column(default=False)
    """Whether live captions are promised."""
    state: Mapped[SessionState] = mapped_column(words(SessionState), default=SessionState.SCHEDULED)
    revision: Mapped[int] = mapped_column(default=0)
    """Rises when the time, title, stream or state changes: the SEQUENCE of its calendar entries (RFC 5545, 3.8.7.4)."""
    notice_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When participants are to be told of what has changed since they were told last; None while nothing has."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    event: Mapped[Event] = relationship(back_populates="sessions")
    items: Mapped[list[ProgrammeItem]] = relationship(
        back_populates="session", order_by="ProgrammeItem.position", cascade="all, delete-orphan"
    )
    streams: Mapped[list[Stream]] = relationship(
        back_populates="session", order_by="Stream.position", cascade="all, delete-orphan"
    )
    revisions: Mapped[list[SessionRevision]] = relationship(
        back_populates="session", order_by="SessionRevision.number", cascade="all, delete-orphan"
    )


class SessionRevision(Base):
    """What participants could be told of a session while it had this revision: what they hold is one of these."""

    __tablename__ = "session_revision"
    __table_args__ = ({"sqlite_with_rowid": False},)

    session_id: Mapped[int] = mapped_column(ForeignKey("event_session.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    event_title: Mapped[Texts] = mapped_column(JSON)
    title: Mapped[Texts] = mapped_column(JSON)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    takes_place: Mapped[bool]
    streams: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """The live ones: [{"audience": str, "language": str, "url": str, "categories": [str]}]"""
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)

    session: Mapped[EventSession] = relationship(back_populates="revisions")


class ProgrammeItem(Base):
    """A part of a session."""

    __tablename__ = "programme_item"
    __table_args__ = (UniqueConstraint("session_id", "slug"),)

    id: Mapped[Id]
    session_id: Mapped[int] = mapped_column(ForeignKey("event_session.id", ondelete="CASCADE"))
    slug: Mapped[Slug]
    position: Mapped[int]
    kind: Mapped[ItemKind] = mapped_column(words(ItemKind))
    title: Mapped[Texts] = mapped_column(JSON)
    description: Mapped[Texts] = mapped_column(JSON)
    url: Mapped[str] = mapped_column(String(500))

    session: Mapped[EventSession] = relationship(back_populates="items")
    speakers: Mapped[list[Speaker]] = relationship(
        back_populates="item", order_by="Speaker.position", cascade="all, delete-orphan"
    )


class Speaker(Base):
    """Somebody who takes part in a programme item, and what they said."""

    __tablename__ = "speaker"
    __table_args__ = (UniqueConstraint("item_id", "slug"),)

    id: Mapped[Id]
    item_id: Mapped[int] = mapped_column(ForeignKey("programme_item.id", ondelete="CASCADE"))
    slug: Mapped[Slug]
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(200))
    title: Mapped[Texts] = mapped_column(JSON)
    institution: Mapped[Texts] = mapped_column(JSON)
    part: Mapped[Part] = mapped_column(words(Part))
    delivered_by: Mapped[str] = mapped_column(String(200))
    """Who spoke on this person's behalf, with `Part.ON_BEHALF_OF`."""
    to_be_confirmed: Mapped[bool] = mapped_column(default=False)
    statement_url: Mapped[str] = mapped_column(String(500))
    quotes: Mapped[list[Texts]] = mapped_column(JSON)

    item: Mapped[ProgrammeItem] = relationship(back_populates="speakers")


class Stream(Base):
    """Where a session can be followed. `language`: floor, ar, en, es, fr, ru, zh or sign (International Sign);
    `categories`: for confirmed participants of these alone (none named: of all)."""

    __tablename__ = "stream"
    __table_args__ = (UniqueConstraint("session_id", "slug"),)

    id: Mapped[Id]
    session_id: Mapped[int] = mapped_column(ForeignKey("event_session.id", ondelete="CASCADE"))
    slug: Mapped[Slug]
    position: Mapped[int]
    kind: Mapped[StreamKind] = mapped_column(words(StreamKind))
    audience: Mapped[Audience] = mapped_column(words(Audience))
    language: Mapped[str] = mapped_column(String(16))
    label: Mapped[Texts] = mapped_column(JSON)
    url: Mapped[str] = mapped_column(String(500))
    categories: Mapped[list[str]] = mapped_column(JSON)

    session: Mapped[EventSession] = relationship(back_populates="streams")
