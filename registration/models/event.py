"""The event, and what organizers decide for all of it: categories, their questions, reminder rules."""

from __future__ import annotations

import enum
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Time, UniqueConstraint, false, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from registration.extensions import Base
from registration.models.types import Id, LanguageTag, Slug, Texts, UtcDateTime, ZoneName, words

if TYPE_CHECKING:
    from registration.models.programme import EventSession


class EventState(enum.StrEnum):
    """Draft events are seen by organizers alone; archived ones take no sign-ups and stay readable."""

    DRAFT = "draft"
    PUBLISHED = "published"
    CANCELLED = "cancelled"
    ARCHIVED = "archived"


class Entry(enum.StrEnum):
    """How people come in through a category."""

    OPEN = "open"
    REVIEWED = "reviewed"


class QuestionKind(enum.StrEnum):
    """What an answer is."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    ONE_CHOICE = "one_choice"
    SEVERAL_CHOICES = "several_choices"
    COUNTRY = "country"
    SITE = "site"
    YES_NO = "yes_no"


class Event(Base):
    """The whole dialogue.

    `version` rises with every change to the event or anything below it: what is made from them (pages, calendars) is
    good for one version.
    """

    __tablename__ = "event"
    __table_args__ = (CheckConstraint("places IS NULL OR places > 0", name="places"),)

    id: Mapped[Id]
    slug: Mapped[Slug] = mapped_column(unique=True)
    version: Mapped[int] = mapped_column(default=1)
    state: Mapped[EventState] = mapped_column(words(EventState), default=EventState.DRAFT)
    sample: Mapped[bool] = mapped_column(default=False)
    invitations: Mapped[bool] = mapped_column(default=True, server_default=true())
    """Whether confirmed participants get their sessions as invitations by mail (iTIP, RFC 5546)."""
    notice_minutes: Mapped[int] = mapped_column(default=10, server_default="10")
    """For how long edits of a session are gathered before participants are told of them, once."""
    zone: Mapped[ZoneName]
    default_language: Mapped[LanguageTag]
    title: Mapped[Texts] = mapped_column(JSON)
    summary: Mapped[Texts] = mapped_column(JSON)
    audience: Mapped[Texts] = mapped_column(JSON)
    place: Mapped[Texts] = mapped_column(JSON)
    place_url: Mapped[str] = mapped_column(String(500))
    background: Mapped[Texts] = mapped_column(JSON)
    organizers: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """[{"name": Texts, "short": str, "url": str}]"""
    contacts: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """[{"name": str, "address": str}]: shown on the page; nothing is ever mailed to them."""
    links: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """[{"label": Texts, "url": str}]"""
    hashtag: Mapped[str] = mapped_column(String(80))
    press_release: Mapped[dict[str, Any]] = mapped_column(JSON)
    """{} or {"title": Texts, "dateline": Texts, "text": Texts}"""
    outlook: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """What comes after: [{"title": Texts, "when": Texts, "text": Texts, "url": str}]"""
    organizer_address: Mapped[str] = mapped_column(String(254))
    """Where answers to our mails go."""
    sender_name: Mapped[Texts] = mapped_column(JSON)
    privacy_notice: Mapped[Texts] = mapped_column(JSON)
    retention_days: Mapped[int]
    """After the end of the last session all personal data stays for so many days."""
    field_days: Mapped[dict[str, int]] = mapped_column(JSON, default=dict, nullable=True)
    """Fields of the personal part that go earlier, each so many days after that end: {"needs": 0}."""
    keeps_vetting_names: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether names for vetting stay when the decision is final; else they are erased with it."""
    forgotten_fields: Mapped[list[str]] = mapped_column(JSON, default=list, nullable=True)
    """The fields of `field_days` that are gone."""
    forgotten_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When all personal data was deleted; None while there may be some."""
    unwiped_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When somebody was erased for the first time since the database was wiped last."""
    erased: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many were erased one by one: a number that stays, by which a lost file of their ids is noticed."""
    registration_opens: Mapped[datetime] = mapped_column(UtcDateTime)
    registration_closes: Mapped[datetime] = mapped_column(UtcDateTime)
    places: Mapped[int | None]
    openness: Mapped[dict[str, str]] = mapped_column(JSON, default=dict, nullable=True)
    """What pages say of the places of each category: {category slug: domain.openness.Openness}; the worker keeps it."""
    kept_numbers: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What stays when personal data is forgotten: {category slug: {state: count}}."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    sessions: Mapped[list[EventSession]] = relationship(
        back_populates="event", order_by="EventSession.starts_at", cascade="all, delete-orphan"
    )
    categories: Mapped[list[Category]] = relationship(
        back_populates="event", order_by="Category.position", cascade="all, delete-orphan"
    )
    reminder_rules: Mapped[list[ReminderRule]] = relationship(
        back_populates="event", order_by="ReminderRule.id", cascade="all, delete-orphan"
    )


class Category(Base):
    """A kind of stakeholder. `at_risk`: lists and exports print "participant" in its place."""

    __tablename__ = "category"
    __table_args__ = (
        UniqueConstraint("event_id", "slug"),
        CheckConstraint("places IS NULL OR places > 0", name="places"),
    )

    id: Mapped[Id]
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    slug: Mapped[Slug]
    position: Mapped[int]
    label: Mapped[Texts] = mapped_column(JSON)
    description: Mapped[Texts] = mapped_column(JSON)
    entry: Mapped[Entry] = mapped_column(words(Entry))
    places: Mapped[int | None]
    at_risk: Mapped[bool] = mapped_column(default=False)
    asks_vetting_name: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the form asks for a name for vetting beside the name for lists."""

    event: Mapped[Event] = relationship(back_populates="categories")
    questions: Mapped[list[Question]] = relationship(
        back_populates="category", order_by="Question.position", cascade="all, delete-orphan"
    )


class Question(Base):
    """What a category asks beyond name and address. `name` is the answer's key; `organization` and `country` are
    the two that lists and filters know."""

    __tablename__ = "question"
    __table_args__ = (UniqueConstraint("category_id", "name"),)

    id: Mapped[Id]
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id", ondelete="CASCADE"))
    name: Mapped[Slug]
    position: Mapped[int]
    kind: Mapped[QuestionKind] = mapped_column(words(QuestionKind))
    label: Mapped[Texts] = mapped_column(JSON)
    help: Mapped[Texts] = mapped_column(JSON)
    required: Mapped[bool] = mapped_column(default=False)
    choices: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """[{"value": str, "label": Texts}]"""

    category: Mapped[Category] = relationship(back_populates="questions")


class ReminderRule(Base):
    """When to remind of a session, and whom; a list that names nothing means all.

    Either so many minutes before the start, or at a clock time of the event's zone so many days before its date.
    `subject` and `text` are the organizer's own words, with placeholders (`domain.wording`); without them the mail has
    ours.
    """

    __tablename__ = "reminder_rule"
    __table_args__ = (
        UniqueConstraint("event_id", "slug"),
        CheckConstraint(
            "minutes_before > 0 AND days_before IS NULL AND clock_time IS NULL"
            " OR minutes_before IS NULL AND days_before >= 0 AND clock_time IS NOT NULL",
            name="moment",
        ),
    )

    id: Mapped[Id]
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    slug: Mapped[Slug]
    minutes_before: Mapped[int | None]
    days_before: Mapped[int | None]
    clock_time: Mapped[time | None] = mapped_column(Time)
    categories: Mapped[list[str]] = mapped_column(JSON)
    sessions: Mapped[list[str]] = mapped_column(JSON, default=list)
    languages: Mapped[list[str]] = mapped_column(JSON, default=list)
    subject: Mapped[Texts] = mapped_column(JSON, default=dict)
    text: Mapped[Texts] = mapped_column(JSON, default=dict)
    paused: Mapped[bool] = mapped_column(default=False, server_default=false())

    event: Mapped[Event] = relationship(back_populates="reminder_rules")
