"""What participants do with their own registration: change it, switch discreet mode or their feed, cancel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import lazy_gettext as _l

from registration.domain import admission, invitations, owing
from registration.domain.link_keys import KEY_ENDED
from registration.domain.personal import open_personal, seal_into
from registration.domain.programme import takes_place
from registration.domain.signup import set_sessions
from registration.errors import NotFound, Refusal
from registration.extensions import db
from registration.models import Registration
from registration.models.delivery import DeliveryKind


@dataclass(frozen=True)
class Wishes:
    """What a participant can change: languages (of mails, of the stream), zone, discreet mode and its title; whether
    sessions come as invitations by mail, where the event sends them."""

    session_ids: tuple[int, ...]
    language: str
    stream_language: str
    zone: str
    discreet: bool
    neutral_title: str
    invitations: bool


def change(registration: Registration, wishes: Wishes, *, now: datetime) -> bool:
    """Take the wishes over and owe the mail that says what stands now.

    A cancelled session is not asked about and stays chosen: it may come back. Returns whether anything changed.
    Raises Refusal once the registration is declined or cancelled.
    """
    lock_own(registration)
    if registration.state not in admission.ALIVE:
        raise Refusal(_l("This registration has ended and cannot be changed; please sign up again."))
    if wishes == current_wishes(registration):
        return False
    off = [choice.session_id for choice in registration.choices if not takes_place(choice.session)]
    set_sessions(registration, (*wishes.session_ids, *off))
    registration.language = wishes.language
    registration.stream_language = wishes.stream_language
    registration.zone = wishes.zone
    registration.discreet = wishes.discreet
    registration.invitations = wishes.invitations
    seal_into(registration, replace(open_personal(registration), neutral_title=wishes.neutral_title))
    registration.updated_at = now
    owing.owe(registration, DeliveryKind.CHANGED, now=now)
    invitations.follow(registration, now=now)
    return True


def current_wishes(registration: Registration) -> Wishes:
    """Return what stands now."""
    return Wishes(
        session_ids=tuple(choice.session_id for choice in registration.choices if takes_place(choice.session)),
        language=registration.language,
        stream_language=registration.stream_language,
        zone=registration.zone,
        discreet=registration.discreet,
        neutral_title=open_personal(registration).neutral_title,
        invitations=registration.invitations,
    )


def cancel(registration: Registration, *, now: datetime) -> None:
    """Cancel at the person's own wish. Raises Refusal where there is nothing to cancel."""
    admission.lock_event(registration.event_id)
    lock_own(registration)
    admission.cancel(registration, now=now)


def switch_feed(registration: Registration, *, on: bool, now: datetime) -> None:
    """Switch a participant's feed off, or on again at the address it had."""
    lock_own(registration)
    registration.feed_on = on
    registration.updated_at = now


def switch_reminders(registration: Registration, *, on: bool, now: datetime) -> None:
    """Stop reminders and announcements to a participant, or send them again from now on.

    Confirmations, changes, invitations and cancellations still come: a wrong hour does harm.
    """
    lock_registration(registration)
    if on == (registration.unsubscribed_at is None):
        return
    registration.unsubscribed_at = None if on else now
    registration.updated_at = now


def lock_own(registration: Registration) -> None:
    """Lock a registration's row for whoever has shown its key. Raises NotFound if that has ended meanwhile."""
    if not lock_registration(registration):
        raise NotFound(KEY_ENDED)


def lock_registration(registration: Registration) -> bool:
    """Lock a registration's row until the unit of work ends, and read it anew: somebody may have been faster.

    Returns whether the key of the own page is still the one that it was.
    """
    generation = registration.manage_generation
    db.session.refresh(registration, with_for_update={"key_share": True})
    return registration.manage_generation == generation
