"""Mail that is owed."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import Double, ForeignKey, Index, LargeBinary, String, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from registration.extensions import Base
from registration.models.announcement import Announcement
from registration.models.event import ReminderRule
from registration.models.programme import EventSession
from registration.models.registration import Registration
from registration.models.types import Id, UtcDateTime, words


class DeliveryKind(enum.StrEnum):
    """Which message is owed."""

    PROVE = "prove"
    ALREADY = "already"
    LINK = "link"
    IN_REVIEW = "in_review"
    WAITING = "waiting"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    CHANGED = "changed"
    REMINDER = "reminder"
    INVITATION = "invitation"
    """A session's invitation, its update or its end; where invitations are off, the notice of a change."""
    ADDED = "added"
    """A session was added that this person has not chosen."""
    ANNOUNCEMENT = "announcement"
    """What organizers write to a group of people."""
    FAREWELL = "farewell"
    """The last mail to somebody who has asked to be erased."""


class DeliveryState(enum.StrEnum):
    """Waiting (also while a worker holds its lease), and how it ended."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    """Refused for good by the mail server."""
    DROPPED = "dropped"
    """Not sent, for it was owed no longer."""
    BOUNCED = "bounced"
    """Handed over, and come back (RFC 3464)."""
    STOPPED = "stopped"
    """Not sent, for mail to this address had come back before."""


class ReminderRound(Base):
    """That the reminders of one rule for one start of one session have been made: they are made once."""

    __tablename__ = "reminder_round"

    rule_id: Mapped[int] = mapped_column(ForeignKey("reminder_rule.id", ondelete="CASCADE"), primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("event_session.id", ondelete="CASCADE"), primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Delivery(Base):
    """One mail owed to one person, until it is settled. It holds references and a kind, no text and no address: it
    is rendered when it is sent.

    `key` says what is owed, so that nothing is owed twice, and makes the Message-ID, which is the same in every try:
    "KIND/REGISTRATION/..." and for a reminder "reminder/REGISTRATION/SESSION/RULE/START", for an announcement
    "announcement/REGISTRATION/ANNOUNCEMENT".
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_due", "state", "urgent", "next_try_at"),
        Index(
            "ix_delivery_not_sent",
            "due_at",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_delivery_owner", "registration_id", "kind"),
        Index(
            "ix_delivery_message_digest",
            "message_digest",
            sqlite_where=text("message_digest IS NOT NULL"),
            postgresql_where=text("message_digest IS NOT NULL"),
        ),
        Index(
            "ix_delivery_announcement",
            "announcement_id",
            sqlite_where=text("announcement_id IS NOT NULL"),
            postgresql_where=text("announcement_id IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[DeliveryKind] = mapped_column(words(DeliveryKind))
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id", ondelete="CASCADE"))
    session_id: Mapped[int | None] = mapped_column(ForeignKey("event_session.id", ondelete="CASCADE"))
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("reminder_rule.id", ondelete="CASCADE"))
    announcement_id: Mapped[int | None] = mapped_column(ForeignKey("announcement.id", ondelete="CASCADE"))
    told_apart: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether it was made for one category at risk of several: that it is owed to somebody tells which they are in."""
    starts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """For a reminder: the start it reminds of. A moved session is reminded of anew."""
    state: Mapped[DeliveryState] = mapped_column(words(DeliveryState), default=DeliveryState.WAITING)
    urgent: Mapped[bool] = mapped_column(default=False)
    resend: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    useful_until: Mapped[datetime] = mapped_column(UtcDateTime)
    next_try_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    reply_code: Mapped[int | None]
    """The SMTP status of the last try; the text of a reply quotes addresses and is not kept."""
    reply_status: Mapped[str | None] = mapped_column(String(11))
    """The enhanced status (RFC 3463: "5.1.1") of that reply, or of the bounce."""
    message_digest: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    """The digest in the Message-ID of what was handed over last: by it a bounce finds its mail."""
    claimed_by: Mapped[str | None] = mapped_column(String(22))
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    registration: Mapped[Registration] = relationship()
    session: Mapped[EventSession | None] = relationship()
    rule: Mapped[ReminderRule | None] = relationship()
    announcement: Mapped[Announcement | None] = relationship()


class StoppedAddress(Base):
    """An address, by its keyed hash, to which mail has come back for good: no more is sent to it. `status` is the
    enhanced status (RFC 3463) that said so."""

    __tablename__ = "stopped_address"

    address_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    status: Mapped[str] = mapped_column(String(11))
    stopped_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MailPace(Base):
    """The one row from which workers take leave to send, where the settings limit mails per second: a token bucket."""

    __tablename__ = "mail_pace"

    id: Mapped[Id]
    tokens: Mapped[float] = mapped_column(Double)
    filled_at: Mapped[datetime] = mapped_column(UtcDateTime)
