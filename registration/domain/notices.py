"""Telling participants what organizers have changed: when, whom, what; and who has not got it.

People who are told the same are one group, so that a hundred thousand of them cost a handful of statements.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, String, cast, exists, func, literal, or_, select, tuple_, update
from sqlalchemy.orm import aliased

from registration.domain.admission import ALIVE
from registration.domain.facts import Change, Traits, facts_of
from registration.domain.invitations import SPOKEN_OF
from registration.domain.notice import HOLDING, Notice, notice_owed, standing_due
from registration.domain.owing import last_end
from registration.domain.revisions import as_it_stands
from registration.extensions import db, insert_selected
from registration.models import Category, Delivery, Event, EventSession, Invitation, Registration, SessionChoice
from registration.models.delivery import DeliveryKind as Kind
from registration.models.delivery import DeliveryState
from registration.models.event import EventState
from registration.models.invitation import Standing
from registration.models.programme import SessionState
from registration.models.registration import RegistrationState
from registration.models.types import UtcDateTime, words

NEVER = -1
"""Stands for the revision of who was told none."""


class Group(NamedTuple):
    """Participants of a session who hold the same of it and are told the same; the columns of `_GROUPED`."""

    language: str
    stream_language: str
    category: str
    discreet: bool
    invitations: bool
    standing: Standing
    revision: int


_GROUPED = (
    Registration.language,
    Registration.stream_language,
    Category.slug,
    Registration.discreet,
    Registration.invitations,
    Invitation.standing,
    func.coalesce(Invitation.revision, NEVER),
)


@dataclass
class Telling:
    """What some people are told of a session, and how many they are: those in discreet mode, in each language."""

    changes: frozenset[Change]
    becomes: Standing
    people: int = 0
    discreet: int = 0
    languages: Counter[str] = field(default_factory=Counter)


def due_sessions(*, now: datetime) -> Sequence[int]:
    """Return the ids of the sessions whose time to tell has come."""
    due = select(EventSession.id).join(Event).where(*_is_due(now)).order_by(EventSession.id)
    return db.session.execute(due).scalars().all()


def tell(session_id: int, *, now: datetime) -> None:
    """Owe what has to be told of a session, if its time has come; two workers do it once."""
    due = select(EventSession).join(Event).where(EventSession.id == session_id, *_is_due(now))
    locked = due.with_for_update(of=EventSession, key_share=True).execution_options(populate_existing=True)
    session = db.session.execute(locked).scalar_one_or_none()
    if session is None:
        return
    session.notice_at = None
    if now < last_end(session):
        _owe(session, _is_owed(session), now)
        _owe_added(session, now)


def tellings(session: EventSession) -> list[Telling]:
    """Return what would be told of a session now, the most people first."""
    found: dict[tuple[frozenset[Change], Standing], Telling] = {}
    for group, people, notice in _owed(session):
        kind = (notice.changes, notice.becomes)
        telling = found.setdefault(kind, Telling(*kind))
        telling.people += people
        telling.discreet += people if group.discreet else 0
        telling.languages[group.language] += people
    return sorted(found.values(), key=lambda one: -one.people)


def count_to_offer(session: EventSession) -> int:
    """Return how many are told that a session was added."""
    return db.session.execute(select(func.count()).select_from(_to_offer(session).subquery())).scalar_one()


def send_now(session: EventSession, *, now: datetime) -> None:
    """Tell at once what would be told a little later."""
    if session.notice_at is not None:
        session.notice_at = now


class Behind(NamedTuple):
    """Somebody who holds something else than what stands: the revision they were told, and how their mail fares."""

    public_id: str
    revision: int | None
    mail: DeliveryState | None
    reply_code: int | None


def behind(session: EventSession) -> Select[tuple[Any, ...]]:
    """Return the query of all who hold something else than what stands of a session, with the columns of `Behind`."""
    any_mail = aliased(Delivery)
    last = (
        select(func.max(any_mail.id))
        .where(
            any_mail.session_id == session.id,
            any_mail.kind == Kind.INVITATION,
            any_mail.registration_id == Registration.id,
        )
        .correlate(Registration)
        .scalar_subquery()
    )
    return (
        _participants(session, Registration.public_id, Invitation.revision, Delivery.state, Delivery.reply_code)
        .outerjoin(Delivery, Delivery.id == last)
        .where(or_(_is_owed(session), _has_failed(session)))
        .order_by(Registration.id)
    )


def send_again(session: EventSession, *, now: datetime) -> None:
    """Owe a new mail to all who hold something else than what stands and have none waiting; try the others now."""
    _owe(session, or_(_is_owed(session), _has_failed(session)), now)
    db.session.execute(
        update(Delivery)
        .where(*_about(session), Delivery.state == DeliveryState.WAITING, Delivery.claimed_until.is_(None))
        .values(next_try_at=now)
        .execution_options(synchronize_session=False)
    )


def _is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return EventSession.notice_at <= now, Event.state.in_(SPOKEN_OF)


def _owed(session: EventSession) -> Iterator[tuple[Group, int, Notice]]:
    """Yield the groups that are owed something, with how many they are and what it is."""
    return ((group, people, notice) for group, people, notice in _groups(session) if notice is not None)


def _groups(session: EventSession) -> Iterator[tuple[Group, int, Notice | None]]:
    """Yield all groups, with how many they are and what they are owed."""
    stands = as_it_stands(session, now=session.updated_at)
    revisions = {one.number: one for one in session.revisions} | {session.revision: stands}
    default = session.event.default_language
    rows = db.session.execute(_participants(session, *_GROUPED, func.count()).group_by(*_GROUPED)).all()
    for *values, people in rows:
        group = Group(*values)
        traits = Traits(group.language, group.stream_language, group.category, group.discreet)
        after = facts_of(stands, traits, default)
        before = None if group.revision == NEVER else facts_of(revisions[group.revision], traits, default)
        due = standing_due(
            takes_part=True,
            takes_place=after.takes_place,
            by_invitation=group.invitations and (session.event.invitations or group.standing is Standing.INVITED),
        )
        notice = notice_owed(group.standing, due, before, after, takes_part=True, words_changed=False)
        # Who only holds the same in another way than they might is told with the next change.
        is_behind = notice is not None and (notice.changes or notice.holds not in HOLDING)
        yield group, people, notice if is_behind else None


def _is_owed(session: EventSession) -> ColumnElement[bool]:
    """Return the condition that a participant is owed something: by the groups that are, or that are not, whichever are
    fewer."""
    owed: list[tuple[Any, ...]] = []
    others: list[tuple[Any, ...]] = []
    for group, _people, notice in _groups(session):
        (others if notice is None else owed).append(tuple(group))
    of = tuple_(*_GROUPED)
    return of.in_(owed) if len(owed) <= len(others) else of.not_in(others)


def _has_failed(session: EventSession) -> ColumnElement[bool]:
    """Return the condition that a mail was refused since the last that was not: it may have been to correct words of
    their own, which no group tells."""
    told = func.coalesce(Invitation.told_at, Invitation.changed_at)
    any_mail = aliased(Delivery)
    return exists().where(
        any_mail.registration_id == Registration.id,
        any_mail.session_id == session.id,
        any_mail.kind == Kind.INVITATION,
        any_mail.state == DeliveryState.FAILED,
        any_mail.due_at > told,
    )


def _participants(session: EventSession, *columns: Any) -> Select[tuple[Any, ...]]:
    """Return a query of those who take part in a session and have an invitation row for it."""
    return (
        select(*columns)
        .select_from(Invitation)
        .join(Registration, Registration.id == Invitation.registration_id)
        .join(Category, Category.id == Registration.category_id)
        .where(
            Invitation.session_id == session.id,
            Registration.state == RegistrationState.CONFIRMED,
            _has_chosen(session),
        )
    )


def _has_chosen(session: EventSession) -> ColumnElement[bool]:
    return exists().where(
        SessionChoice.registration_id == Registration.id,
        SessionChoice.session_id == session.id,
    )


def _about(session: EventSession) -> tuple[ColumnElement[bool], ...]:
    return Delivery.session_id == session.id, Delivery.kind == Kind.INVITATION


def _owe(session: EventSession, whom: ColumnElement[bool], now: datetime) -> None:
    """Owe a mail to all these who have none waiting: one that waits says what stands when it is sent."""
    mails = (
        select(
            Delivery.registration_id,
            func.count().label("number"),
            func.count(Delivery.settled_at).label("settled"),
        )
        .where(*_about(session))
        .group_by(Delivery.registration_id)
        .subquery()
    )
    number = func.coalesce(mails.c.number, 0)
    values = _values(session, Kind.INVITATION, literal("/", String) + cast(number, String), now)
    chosen = _participants(session, *values.values()).outerjoin(mails, mails.c.registration_id == Registration.id)
    insert_selected(Delivery, values, chosen.where(number == func.coalesce(mails.c.settled, 0), whom))


def _owe_added(session: EventSession, now: datetime) -> None:
    values = _values(session, Kind.ADDED, literal("", String), now)
    insert_selected(Delivery, values, _to_offer(session, *values.values()))


def _to_offer(session: EventSession, *columns: Any) -> Select[tuple[Any, ...]]:
    """Return a query of those registered before the session was added, who have never held it nor been offered it."""
    is_on = session.event.state is EventState.PUBLISHED and session.state is SessionState.SCHEDULED
    offered = exists().where(
        Delivery.registration_id == Registration.id, Delivery.session_id == session.id, Delivery.kind == Kind.ADDED
    )
    held = exists().where(Invitation.registration_id == Registration.id, Invitation.session_id == session.id)
    return select(*(columns or [Registration.id])).where(
        literal(is_on),
        Registration.event_id == session.event_id,
        Registration.state.in_(ALIVE),
        Registration.created_at < session.created_at,
        ~_has_chosen(session),
        ~held,
        ~offered,
    )


def _values(session: EventSession, kind: Kind, end: ColumnElement[str], now: datetime) -> dict[str, Any]:
    return {
        "key": literal(f"{kind}/", String) + Registration.public_id + literal(f"/{session.id}", String) + end,
        "kind": literal(kind, words(Kind)),
        "registration_id": Registration.id,
        "session_id": literal(session.id),
        "state": literal(DeliveryState.WAITING, words(DeliveryState)),
        "urgent": literal(value=False),
        "resend": literal(0),
        "due_at": literal(now, UtcDateTime),
        "useful_until": literal(last_end(session), UtcDateTime),
        "next_try_at": literal(now, UtcDateTime),
        "tries": literal(0),
    }
