"""Groups of an event's people: by state, category, chosen session, language. What names nothing means all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from registration.extensions import db
from registration.models import Category, Event, EventSession, Registration, SessionChoice
from registration.models.registration import RegistrationState


@dataclass(frozen=True)
class Group:
    """Whom a mail is for. `categories` and `sessions` are slugs, `languages` the tags of people's own mails;
    `sessions`: who has chosen one of these."""

    states: tuple[RegistrationState, ...] = (RegistrationState.CONFIRMED,)
    categories: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


def conditions(event: Event, group: Group) -> list[ColumnElement[bool]]:
    """Return what holds for the registrations in a group, for a query over Registration; none of them is unproved."""
    found = [
        Registration.event_id == event.id,
        Registration.state.in_(group.states),
        Registration.state != RegistrationState.UNVERIFIED,
        Registration.leaving_since.is_(None),
    ]
    if group.categories:
        found.append(Registration.category_id.in_(_ids(Category, event, group.categories)))
    if group.languages:
        found.append(Registration.language.in_(group.languages))
    if group.sessions:
        session_ids = _ids(EventSession, event, group.sessions)
        choice = select(SessionChoice.registration_id).where(
            SessionChoice.registration_id == Registration.id, SessionChoice.session_id.in_(session_ids)
        )
        found.append(choice.exists())
    return found


def size(event: Event, group: Group) -> int:
    """Return how many people are in a group now."""
    return db.session.execute(select(func.count(Registration.id)).where(*conditions(event, group))).scalar_one()


def newest(event: Event, group: Group, limit: int) -> Sequence[Registration]:
    """Return those of a group who signed up last."""
    query = select(Registration).where(*conditions(event, group)).order_by(Registration.id.desc()).limit(limit)
    return db.session.execute(query).scalars().all()


def _ids(model: type[Category] | type[EventSession], event: Event, slugs: tuple[str, ...]) -> list[int]:
    query = select(model.id).where(model.event_id == event.id, model.slug.in_(slugs))
    return list(db.session.execute(query).scalars())
