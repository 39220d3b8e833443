"""What participants hold of a session, in numbers and by name, and what they are still to be told."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select

from registration.domain.facts import Change
from registration.domain.invitations import SPOKEN_OF
from registration.domain.notices import Behind, Telling, behind, count_to_offer, tellings
from registration.domain.owing import last_end
from registration.domain.personal import bound_to
from registration.domain.revisions import as_it_stands
from registration.extensions import db, keyring
from registration.models import Event, EventSession, Invitation, Registration, SessionChoice, SessionRevision
from registration.models.delivery import DeliveryState
from registration.models.registration import RegistrationState

PAGE_ROWS = 100


@dataclass(frozen=True)
class ToTell:
    """What is still to be told of a session, to how many it is told that the session was added, and when; where
    nobody is told there is no time."""

    tellings: Sequence[Telling] = ()
    offered: int = 0
    at: datetime | None = None

    @property
    def people(self) -> int:
        """How many get a mail."""
        return self.offered + sum(one.people for one in self.tellings)


@dataclass(frozen=True)
class Line:
    """A session in numbers: how many take part, how many of them hold something else than what stands."""

    session: EventSession
    takes_part: int
    behind: int
    to_tell: ToTell


class Held(NamedTuple):
    """How many hold the same revision (None: nothing yet), while their last mail about the session fares the same."""

    revision: int | None
    mail: DeliveryState | None
    people: int


@dataclass(frozen=True)
class Holdings:
    """What participants of one session hold. `told`: have been told anything of it; `behind`: hold something else than
    what stands, those who hold nothing yet among them."""

    takes_part: int
    told: int
    behind: Sequence[Held]

    @property
    def up_to_date(self) -> int:
        """How many hold what stands."""
        return self.told - sum(one.people for one in self.behind if one.revision is not None)

    @property
    def not_up_to_date(self) -> int:
        """How many are owed a mail about the session."""
        return sum(one.people for one in self.behind)

    @property
    def on_their_way(self) -> int:
        """How many hold nothing yet and wait for the mail about their registration."""
        return self.takes_part - self.up_to_date - self.not_up_to_date

    def by_mail(self, *states: DeliveryState | None) -> int:
        """Return how many of those behind have a last mail in one of these states (None: had no mail)."""
        return sum(one.people for one in self.behind if one.mail in states)

    def by_revision(self) -> dict[int | None, int]:
        """Return {revision: how many of those behind hold it}, the newest first."""
        numbers = {one.revision for one in self.behind}
        ordered = sorted(numbers, key=lambda number: -1 if number is None else number, reverse=True)
        return {number: sum(one.people for one in self.behind if one.revision == number) for number in ordered}


@dataclass(frozen=True)
class Person:
    """Somebody who is behind, by name."""

    name: str
    held: Behind


@dataclass(frozen=True)
class Page:
    """One page of those who are behind; `number` counts from 1."""

    people: Sequence[Person]
    number: int
    pages: int


def is_told_of(session: EventSession, *, now: datetime) -> bool:
    """Whether anything is mailed about a session: its event is no draft and not archived, and it is not over."""
    return session.event.state in SPOKEN_OF and now < last_end(session)


def to_tell(session: EventSession, *, now: datetime) -> ToTell:
    """Return what is still to be told of a session, as `notices.tell` will do it when the time comes."""
    at = session.notice_at
    if at is None or not is_told_of(session, now=max(at, now)):
        return ToTell()
    found = ToTell(tellings(session), count_to_offer(session), at)
    return found if found.people else ToTell()


def lines(event: Event, *, now: datetime) -> list[Line]:
    """Return the event's sessions in numbers, in order of time."""
    taking_part = _taking_part(event.sessions)
    found = []
    for session in event.sessions:
        line = Line(session, taking_part.get(session.id, 0), count_behind(session), to_tell(session, now=now))
        found.append(line)
    return found


def count_behind(session: EventSession) -> int:
    """Return how many `behind` lists."""
    rows = behind(session).order_by(None).subquery()
    return db.session.execute(select(func.count()).select_from(rows)).scalar_one()


def holdings(session: EventSession) -> Holdings:
    """Return what the participants of a session hold."""
    rows = behind(session).order_by(None).subquery()
    counted = select(rows.c.revision, rows.c.state, func.count()).group_by(rows.c.revision, rows.c.state)
    held = [Held(revision, mail, people) for revision, mail, people in db.session.execute(counted)]
    return Holdings(_taking_part([session]).get(session.id, 0), _told(session), held)


def page(session: EventSession, number: int, *, total: int) -> Page:
    """Return a page of the `total` who are behind; a number beyond the last gives the last."""
    pages = max(1, math.ceil(total / PAGE_ROWS))
    number = min(max(number, 1), pages)
    rows = db.session.execute(behind(session).offset((number - 1) * PAGE_ROWS).limit(PAGE_ROWS))
    found = [Behind(*row) for row in rows]
    names = _names(one.public_id for one in found)
    return Page([Person(names[one.public_id], one) for one in found], number, pages)


def differences(held: SessionRevision, session: EventSession) -> list[Change]:
    """Return what has changed since a revision for any reader."""
    stands = as_it_stands(session, now=session.updated_at)
    found = {
        Change.CANCELLED: held.takes_place and not stands.takes_place,
        Change.RESTORED: stands.takes_place and not held.takes_place,
        Change.MOVED: (held.starts_at, held.ends_at) != (stands.starts_at, stands.ends_at),
        Change.RENAMED: (held.title, held.event_title) != (stands.title, stands.event_title),
        Change.RELINKED: held.streams != stands.streams,
    }
    return [change for change, is_so in found.items() if is_so]


def _taking_part(sessions: Sequence[EventSession]) -> dict[int, int]:
    """Return {session id: how many confirmed have chosen it}, by one query."""
    rows = db.session.execute(
        select(SessionChoice.session_id, func.count())
        .join(Registration, Registration.id == SessionChoice.registration_id)
        .where(
            SessionChoice.session_id.in_([session.id for session in sessions]),
            Registration.state == RegistrationState.CONFIRMED,
        )
        .group_by(SessionChoice.session_id)
    )
    return dict(rows.all())


def _told(session: EventSession) -> int:
    """Return how many of those who take part have been told anything of a session."""
    query = (
        select(func.count())
        .select_from(SessionChoice)
        .join(Registration, Registration.id == SessionChoice.registration_id)
        .join(
            Invitation,
            (Invitation.registration_id == Registration.id) & (Invitation.session_id == SessionChoice.session_id),
        )
        .where(
            SessionChoice.session_id == session.id,
            Registration.state == RegistrationState.CONFIRMED,
            Invitation.revision.is_not(None),
        )
    )
    return db.session.execute(query).scalar_one()


def _names(public_ids: Iterable[str]) -> dict[str, str]:
    query = select(Registration.public_id, Registration.sealed).where(Registration.public_id.in_(list(public_ids)))
    return {
        public_id: keyring.keys.open(sealed, bound_to(public_id))["name"]
        for public_id, sealed in db.session.execute(query)
    }
