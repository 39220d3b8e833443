"""A copy of all that is held about one person, as plain values: for them alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from registration.domain.personal import Personal, open_personal
from registration.domain.stopped import stop_of
from registration.domain.vetting import vetting_name
from registration.extensions import db
from registration.models import (
    Delivery,
    EventSession,
    Export,
    Invitation,
    Organizer,
    Question,
    Registration,
    StoppedAddress,
    Unmasking,
)
from registration.models.organizer import Role


@dataclass(frozen=True)
class Look:
    """That somebody with these roles looked at what is masked of this person."""

    at: datetime
    roles: tuple[Role, ...]


@dataclass(frozen=True)
class Taken:
    """A list that left since this person signed up; whether they stood in it is not kept. `columns`: by their names."""

    at: datetime
    columns: Sequence[str]


@dataclass(frozen=True)
class Copy:
    """All that is held. `answers`: with their questions, or without one that is asked no more."""

    registration: Registration
    personal: Personal
    vetting_name: str
    answers: Sequence[tuple[Question | None, str, Any]]
    sessions: Sequence[EventSession]
    invitations: Sequence[Invitation]
    mails: Sequence[Delivery]
    looks: Sequence[Look]
    lists: Sequence[Taken]
    stop: StoppedAddress | None


def copy_of(registration: Registration) -> Copy:
    """Return the copy. Raises SealError if its key is missing."""
    personal = open_personal(registration)
    questions = {one.name: one for one in registration.category.questions}
    return Copy(
        registration=registration,
        personal=personal,
        vetting_name=vetting_name(registration),
        answers=[(questions.get(name), name, answer) for name, answer in personal.answers.items()],
        sessions=sorted((choice.session for choice in registration.choices), key=lambda one: one.starts_at),
        invitations=sorted(registration.invitations_held, key=lambda one: one.session.starts_at),
        mails=_mails(registration),
        looks=_looks(registration),
        lists=_lists(registration),
        stop=stop_of(registration),
    )


def _mails(registration: Registration) -> Sequence[Delivery]:
    query = select(Delivery).where(Delivery.registration_id == registration.id).order_by(Delivery.due_at, Delivery.id)
    return db.session.scalars(query.options(selectinload(Delivery.session), selectinload(Delivery.announcement))).all()


def _looks(registration: Registration) -> list[Look]:
    query = (
        select(Unmasking)
        .where(Unmasking.registration_id == registration.id)
        .order_by(Unmasking.at, Unmasking.id)
        .options(joinedload(Unmasking.organizer).selectinload(Organizer.roles))
    )
    return [Look(one.at, _roles(one.organizer, registration.event_id)) for one in db.session.scalars(query)]


def _roles(organizer: Organizer, event_id: int) -> tuple[Role, ...]:
    """Return which roles somebody has for an event now; names of organizers are not for the copy."""
    return tuple(sorted({one.role for one in organizer.roles if one.event_id in (None, event_id)}))


def _lists(registration: Registration) -> list[Taken]:
    query = select(Export).where(Export.event_id == registration.event_id, Export.at >= registration.created_at)
    return [Taken(one.at, one.columns) for one in db.session.scalars(query.order_by(Export.at, Export.id))]
