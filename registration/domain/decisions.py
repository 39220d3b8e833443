"""Decisions of organizers on one registration or many, each with a reason that is mailed."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from registration.domain import admission
from registration.domain.personal import open_personal, seal_into
from registration.errors import Refusal
from registration.extensions import db
from registration.models import Registration
from registration.models.registration import RegistrationState as State

REASON_LENGTH = 2000


class Decision(enum.StrEnum):
    """What is decided."""

    APPROVE = "approve"
    DECLINE = "decline"


POSSIBLE = {
    Decision.APPROVE: frozenset(admission.DECIDABLE),
    Decision.DECLINE: frozenset(state for state, after in admission.STEPS.items() if State.DECLINED in after),
}
"""The states in which each can be decided, as admission has it."""


@dataclass(frozen=True)
class Seen:
    """A registration as the organizer saw it when deciding."""

    public_id: str
    state: str


@dataclass(frozen=True)
class Result:
    """What came of a decision: for how many it was done, and why not for each of the others."""

    done: int
    refused: Sequence[LazyString | str]


def decide(event_id: int, seen: Sequence[Seen], decision: Decision, reason: str, *, by: int, now: datetime) -> Result:
    """Approve or decline these registrations of one event, in the order given.

    One that has changed since it was seen, or for which no place is free, is left as it is; the others are done all
    the same. Places that come free go to whoever waits when all are decided. Raises Refusal if nobody is chosen, or if
    somebody is to be declined without a reason.
    """
    if not seen:
        raise Refusal(_l("Choose at least one person."), "chosen")
    if decision is Decision.DECLINE and not reason:
        raise Refusal(_l("Write a reason: it is mailed to those you decline."), "reason")
    event = admission.lock_event(event_id)
    found = {one.public_id: one for one in _registrations(event_id, [each.public_id for each in seen])}
    done, refused = 0, []
    for each in seen:
        registration = found.get(each.public_id)
        if registration is None:
            continue
        try:
            _decide_one(registration, each.state, decision, reason, by=by, now=now)
            done += 1
        except Refusal as refusal:
            refused.append(refusal.sentence)
    if decision is Decision.DECLINE:
        admission.fill_places(event, now=now)
    return Result(done, refused)


def _registrations(event_id: int, public_ids: Sequence[str]) -> Sequence[Registration]:
    query = (
        select(Registration)
        .where(
            Registration.event_id == event_id,
            Registration.public_id.in_(public_ids),
            Registration.leaving_since.is_(None),
        )
        .options(selectinload(Registration.category))
        .with_for_update()
    )
    return db.session.scalars(query).all()


def _decide_one(
    registration: Registration, seen_state: str, decision: Decision, reason: str, *, by: int, now: datetime
) -> None:
    """Decide one. The reason stands in the row before the move, which owes the mail that quotes it."""
    if registration.state != seen_state:
        raise Refusal(_l("This registration has changed in the meantime; look at it again."))
    before = registration.sealed
    seal_into(registration, replace(open_personal(registration), reason=reason))
    try:
        if decision is Decision.APPROVE:
            admission.approve(registration, by=by, now=now)
        else:
            admission.decline(registration, by=by, now=now, fill=False)
    except Refusal:
        registration.sealed = before
        raise
