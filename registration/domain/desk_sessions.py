"""Sessions of organizers at the desk: rows of ours, so that they end where and when we say (decision 0006)."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import joinedload

from registration.extensions import db, keyring
from registration.models import Organizer, OrganizerSession

IDLE_TIME = timedelta(minutes=30)
LONGEST_SESSION = timedelta(hours=8)
FRESH_TIME = timedelta(minutes=15)
"""How long after its password a session may do what later asks for it again."""
SEEN_STEP = timedelta(minutes=1)
"""How often a session in use is written down."""
TOKEN_BYTES = 32


def start(organizer: Organizer, *, now: datetime) -> str:
    """Start a session and return its token, of which only a digest is kept."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    db.session.add(
        OrganizerSession(token_digest=_digest(token), organizer_id=organizer.id, created_at=now, seen_at=now)
    )
    return token


def with_token(token: str, *, now: datetime) -> OrganizerSession | None:
    """Return the session of this token with its organizer and their roles, unless it is over or the account is
    disabled."""
    session = db.session.scalar(
        select(OrganizerSession)
        .options(joinedload(OrganizerSession.organizer).selectinload(Organizer.roles))
        .where(OrganizerSession.token_digest == _digest(token))
    )
    if session is None or session.organizer.disabled or _is_over(session, now):
        return None
    return session


def needs_seen(session: OrganizerSession, *, now: datetime) -> bool:
    """Whether it is time to write down that the session is in use."""
    return now - session.seen_at >= SEEN_STEP


def is_fresh(session: OrganizerSession, *, now: datetime) -> bool:
    """Whether the password of this session was typed lately enough for what asks for it again."""
    return now - (session.password_at or session.created_at) <= FRESH_TIME


def note_password(session_id: int, *, now: datetime) -> None:
    """Note that the password of this session, if it has not ended meanwhile, was typed again just now."""
    this = OrganizerSession.id == session_id
    db.session.execute(update(OrganizerSession).where(this).values(password_at=now))


def end(token: str) -> None:
    """End the session of this token."""
    _delete(OrganizerSession.token_digest == _digest(token))


def sessions_of(organizer: Organizer, *, now: datetime) -> list[OrganizerSession]:
    """Return the sessions of an account that are not over, the one used last first."""
    own = select(OrganizerSession).where(OrganizerSession.organizer_id == organizer.id)
    found = db.session.scalars(own.order_by(OrganizerSession.seen_at.desc(), OrganizerSession.id.desc()))
    return [one for one in found if not _is_over(one, now)]


def end_others(organizer: Organizer, kept: OrganizerSession) -> None:
    """End all sessions of an account but one."""
    _delete(OrganizerSession.organizer_id == organizer.id, OrganizerSession.id != kept.id)


def expire(*, now: datetime) -> int:
    """Delete the sessions that are over. Returns how many."""
    return _delete(
        or_(OrganizerSession.seen_at <= now - IDLE_TIME, OrganizerSession.created_at <= now - LONGEST_SESSION)
    )


def end_all(organizer: Organizer) -> int:
    """End all sessions of an account. Returns how many."""
    return _delete(OrganizerSession.organizer_id == organizer.id)


def end_everybodys() -> int:
    """End all sessions of all accounts. Returns how many."""
    return _delete()


def _delete(*which: ColumnElement[bool]) -> int:
    result = db.session.execute(delete(OrganizerSession).where(*which))
    return result.rowcount  # type: ignore[attr-defined,no-any-return]


def _is_over(session: OrganizerSession, now: datetime) -> bool:
    return now - session.seen_at >= IDLE_TIME or now - session.created_at >= LONGEST_SESSION


def _digest(token: str) -> bytes:
    return keyring.keys.digest("session", token)
