"""The invitations of one participant: what they hold of each session, and the mails that bring it to what stands.

A person's own coming, going and changing owes its mail at once (`follow`); what organizers change is told by
`domain.notices` when its time has come. What a mail told is noted when it has been handed over (`note`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from registration.domain import owing
from registration.domain.calendar_entries import sequence
from registration.domain.facts import Facts, Traits, facts_of
from registration.domain.notice import Notice, has_left, notice_owed, standing_due
from registration.domain.personal import open_personal
from registration.domain.programme import takes_place
from registration.domain.revisions import as_it_stands
from registration.extensions import db, keyring
from registration.models import EventSession, Invitation, Registration, SessionRevision
from registration.models.event import EventState
from registration.models.invitation import Standing
from registration.models.registration import RegistrationState

NOT_TOLD = b"not told"
"""Stands for a digest of words that somebody has been told, and is none."""
SPOKEN_OF = frozenset({EventState.PUBLISHED, EventState.CANCELLED})
"""Events of whose sessions anything is mailed."""


@dataclass(frozen=True)
class Told:
    """What a mail made of somebody's entry for a session, to be noted once it is handed over."""

    registration_id: int
    session_id: int
    revision: int
    sequence: int
    standing: Standing
    words: bytes


def by_invitation(registration: Registration) -> bool:
    """Whether sessions come to this person as invitations; who has some goes on, though the event has stopped."""
    has_some = any(one.standing is Standing.INVITED for one in registration.invitations_held)
    return registration.invitations and (registration.event.invitations or has_some)


def takes_part(registration: Registration, session: EventSession) -> bool:
    """Whether somebody has a place and has chosen the session."""
    chosen = {choice.session_id for choice in registration.choices}
    return registration.state is RegistrationState.CONFIRMED and session.id in chosen


def traits_of(registration: Registration) -> Traits:
    """Return what of this person decides what they are told."""
    return Traits(
        registration.language, registration.stream_language, registration.category.slug, registration.discreet
    )


def notice_for(invitation: Invitation) -> Notice | None:
    """Return what this person is owed about this session now, if anything."""
    registration, session = invitation.registration, invitation.session
    if session.event.state not in SPOKEN_OF:
        return None
    after = _facts_standing(session, registration)
    attends = takes_part(registration, session)
    due = standing_due(takes_part=attends, takes_place=after.takes_place, by_invitation=by_invitation(registration))
    return notice_owed(
        invitation.standing,
        due,
        _facts_told(invitation, after),
        after,
        takes_part=attends,
        words_changed=invitation.told_words not in (b"", words_of(registration)),
    )


def follow(registration: Registration, *, now: datetime) -> None:
    """Make somebody's invitations follow what has just become of their registration, and owe the mails for it.

    What they hold is superseded by a higher SEQUENCE, in feeds too. What organizers changed alone is not owed while
    more of it is gathered. The rows are locked: a worker may be noting what a mail has told.
    """
    db.session.flush()
    held = {one.session_id: one for one in _of_registration(registration, locked=True)}
    for session in sorted(registration.event.sessions, key=lambda one: one.id):
        invitation = held.get(session.id)
        if invitation is None and takes_part(registration, session):
            invitation = Invitation(registration=registration, session=session, changed_at=now)
            db.session.add(invitation)
        elif invitation is not None:
            invitation.bumps += 1
            invitation.changed_at = now
        if invitation is not None:
            _owe_if(invitation, now, own=session.notice_at is not None)


def can_say_again(registration: Registration, session: EventSession) -> bool:
    """Whether somebody who has been invited can be sent the same invitation once more: for it came back, or they
    never saw it."""
    invitation = held_by(registration.id, session.id)
    return (
        invitation is not None
        and invitation.standing is Standing.INVITED
        and session.event.state in SPOKEN_OF
        and takes_part(registration, session)
        and takes_place(session)
    )


def say_again(registration: Registration, session_id: int | None, *, now: datetime) -> None:
    """Let somebody be owed their invitation anew, by a higher SEQUENCE: their own part in it counts as not told."""
    invitation = held_by(registration.id, session_id, locked=True)
    if invitation is not None:
        invitation.bumps += 1
        invitation.changed_at = now
        invitation.told_words = NOT_TOLD


def note(told: Iterable[Told], *, now: datetime) -> None:
    """Note what a mail that has been handed over told; owe another where something changed while it was under way."""
    for one in told:
        invitation = held_by(one.registration_id, one.session_id, locked=True)
        if invitation is not None:
            _note_one(invitation, one, now)


def held_by(registration_id: int, session_id: int | None, *, locked: bool = False) -> Invitation | None:
    """Return somebody's invitation to a session; `locked` until the unit of work ends, and read anew."""
    found = select(Invitation).where(Invitation.registration_id == registration_id, Invitation.session_id == session_id)
    if locked:
        found = found.with_for_update().execution_options(populate_existing=True)
    return db.session.execute(found).scalar_one_or_none()


def told_by(notice: Notice, invitation: Invitation) -> Told:
    """Return what a mail that says `notice` makes of the entry."""
    return _told(invitation, notice.becomes)


def told_by_registration_mail(registration: Registration) -> list[Told]:
    """Return what a mail about the registration, with its files, tells of sessions to who is not invited by mail."""
    told = []
    for invitation in _of_registration(registration):
        attends = takes_part(registration, invitation.session)
        after = _facts_standing(invitation.session, registration)
        due = standing_due(takes_part=attends, takes_place=after.takes_place, by_invitation=by_invitation(registration))
        before = _facts_told(invitation, after)
        is_new = before is None or has_left(invitation.standing, before)
        has_ended = invitation.standing is Standing.INFORMED and not attends
        if (due is Standing.INFORMED and is_new) or has_ended:
            told.append(_told(invitation, due))
    return told


def words_of(registration: Registration) -> bytes:
    """Return a digest of the person's own part in what an entry says and leads to: 32 bytes."""
    title = open_personal(registration).neutral_title if registration.discreet else ""
    own = [registration.language, registration.stream_language, registration.discreet, title]
    return keyring.keys.digest("words", json.dumps(own))


def _note_one(invitation: Invitation, told: Told, now: datetime) -> None:
    """Note one entry. A file that follows an invitation taken back must have a higher SEQUENCE than its end had.

    What organizers changed meanwhile is told with their other edits if more are still gathered: the lock waits for a
    worker who is just making notices of them.
    """
    if invitation.standing is Standing.INVITED and told.standing is Standing.INFORMED:
        invitation.bumps += 1
        invitation.changed_at = now
    invitation.standing, invitation.revision = told.standing, told.revision
    invitation.told_words, invitation.told_at = told.words, now
    shared = select(EventSession).where(EventSession.id == told.session_id).with_for_update(read=True)
    session = db.session.execute(shared.execution_options(populate_existing=True)).scalar_one()
    _owe_if(invitation, now, own=session.notice_at is not None)


def _owe_if(invitation: Invitation, now: datetime, *, own: bool) -> None:
    """Owe what there is to say; with `own`, only if the person's own doing is part of it."""
    notice = notice_for(invitation)
    if notice is not None and (notice.own or not own):
        owing.owe_invitation(invitation.registration, invitation.session, now=now)


def _of_registration(registration: Registration, *, locked: bool = False) -> Sequence[Invitation]:
    found = select(Invitation).where(Invitation.registration_id == registration.id).order_by(Invitation.session_id)
    if locked:
        found = found.with_for_update().execution_options(populate_existing=True)
    return db.session.execute(found).scalars().all()


def _told(invitation: Invitation, standing: Standing) -> Told:
    registration, session = invitation.registration, invitation.session
    return Told(
        registration_id=registration.id,
        session_id=session.id,
        revision=session.revision,
        sequence=sequence(session, invitation),
        standing=standing,
        words=words_of(registration),
    )


def _facts_told(invitation: Invitation, stands: Facts) -> Facts | None:
    """Return what somebody was told; who was told the present revision knows what `stands`."""
    if invitation.revision is None:
        return None
    if invitation.revision == invitation.session.revision:
        return stands
    told = db.session.get_one(SessionRevision, (invitation.session_id, invitation.revision))
    return _facts(told, invitation.registration)


def _facts_standing(session: EventSession, registration: Registration) -> Facts:
    return _facts(as_it_stands(session, now=session.updated_at), registration)


def _facts(revision: SessionRevision, registration: Registration) -> Facts:
    return facts_of(revision, traits_of(registration), registration.event.default_language)
