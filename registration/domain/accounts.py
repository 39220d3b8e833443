"""Accounts of organizers: roles, a one-time link to set the password, and signing in.

A wrong address and a wrong password take the same time and get the same answer. Nobody is locked out: tries are
slowed where they come from, by the edge.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from registration.domain import desk_sessions, passwords, second_factor
from registration.domain.personal import address_hash, mail_address
from registration.errors import NotFound, Refusal
from registration.extensions import db, keyring
from registration.keys import new_public_id, public_id_of
from registration.models import Event, Organizer, OrganizerRole
from registration.models.organizer import Role

PASSWORD_LINK_TIME = timedelta(days=1)
NOT_FITTING = _l("Address, password and code do not fit; type them again, or ask the owner for a new link.")


class WrongCode(Refusal):
    """Address and password fit, and the code of the second factor does not."""


def add_organizer(typed_address: str, role: Role, event: Event | None, *, now: datetime) -> Organizer:
    """Give the account with this address a role on an event, or on all, and a new password link, which ends those
    before; make the account if there is none, and open it again if it was disabled.

    Raises Refusal if the address is none.
    """
    address = mail_address(typed_address)
    organizer = _with_address(address) or _new_organizer(address, now=now)
    event_id = event.id if event else None
    if (event_id, role) not in {(one.event_id, one.role) for one in organizer.roles}:
        organizer.roles.append(OrganizerRole(event_id=event_id, role=role))
    organizer.disabled = False
    organizer.password_generation += 1
    organizer.password_link_until = now + PASSWORD_LINK_TIME
    db.session.flush()
    return organizer


def organizer_with(typed_address: str) -> Organizer:
    """Return the account with this address. Raises NotFound."""
    organizer = _with_address(mail_address(typed_address))
    if organizer is None or organizer.disabled:
        raise NotFound(_l("There is no organizer with this address; add the account first."))
    return organizer


def has_password(typed_address: str) -> bool:
    """Whether there is an account with this address whose password is set."""
    organizer = _with_address(mail_address(typed_address))
    return organizer is not None and organizer.password_hash is not None


def public_id_with(typed_address: str) -> str | None:
    """Return the public id of the account with this address, which is for logs."""
    try:
        hashed = address_hash(mail_address(typed_address))
    except Refusal:
        return None
    return db.session.scalar(select(Organizer.public_id).where(Organizer.address_hash == hashed))


def lock(organizer: Organizer) -> None:
    """Let others that count what this account does wait until the unit of work ends."""
    row = select(Organizer.id).where(Organizer.id == organizer.id)
    db.session.execute(row.with_for_update(key_share=True))


def disable(organizer: Organizer) -> None:
    """Let nobody sign in to the account any more, and end its sessions."""
    organizer.disabled = True
    desk_sessions.end_all(organizer)


def address_of(organizer: Organizer) -> str:
    """Return the mail address of an account."""
    address: str = keyring.keys.open(organizer.sealed, _bound_to(organizer.public_id))["address"]
    return address


def password_key(organizer: Organizer) -> str:
    """Return the key of the one-time link; it ends when a password is set, or with its time."""
    return keyring.keys.link_key("password", organizer.public_id, organizer.password_generation)


def organizer_of_key(key: str, *, now: datetime) -> Organizer:
    """Return whose password this key sets. Raises NotFound for a wrong, used or late one, all in the same words."""
    organizer = db.session.scalar(select(Organizer).where(Organizer.public_id == public_id_of(key)))
    if (
        organizer is None
        or organizer.disabled
        or not keyring.keys.fits(key, "password", organizer.public_id, organizer.password_generation)
        or organizer.password_link_until is None
        or now >= organizer.password_link_until
    ):
        raise NotFound(_l("This link is not valid any more; ask whoever gave it to you for a new one."))
    return organizer


def set_password(organizer: Organizer, password_hash: str) -> None:
    """Set the password, which ends the link and every session."""
    organizer.password_hash = password_hash
    organizer.password_generation += 1
    organizer.password_link_until = None
    desk_sessions.end_all(organizer)


def password_fits(organizer: Organizer | None, password: str) -> bool:
    """Whether this is the account's password. Takes the same time where there is no account or no password yet."""
    usable = organizer is not None and not organizer.disabled
    return passwords.fits(password, organizer.password_hash if organizer and usable else None)


def check_sign_in(typed_address: str, password: str, code: str, *, now: datetime) -> Organizer:
    """Return whose address, password and, where there is a second factor, code these are; the code is not taken yet.

    Raises Refusal in the same words, after the time of a password's hash, whatever is wrong, and WrongCode for whoever
    reads logs: a password that fits without the code may be stolen.
    """
    try:
        organizer = _with_address(mail_address(typed_address))
    except Refusal:
        organizer = None
    if not password_fits(organizer, password) or organizer is None:
        raise Refusal(NOT_FITTING)
    if not second_factor.fits(organizer, code, now=now):
        raise WrongCode(NOT_FITTING)
    return organizer


def start_session(organizer: Organizer, checked: str | None, code: str, *, now: datetime) -> str:
    """Take the code of a sign-in whose password fits what is kept of it, `checked`, and start its session. Returns the
    session's token.

    Raises Refusal where that does not hold any more: another was faster with the code, or password, factor or account
    have been changed meanwhile.
    """
    db.session.refresh(organizer, with_for_update={"key_share": True})
    if organizer.disabled or organizer.password_hash != checked or not second_factor.use(organizer, code, now=now):
        raise Refusal(NOT_FITTING)
    return desk_sessions.start(organizer, now=now)


def _with_address(address: str) -> Organizer | None:
    return db.session.scalar(select(Organizer).where(Organizer.address_hash == address_hash(address)))


def _new_organizer(address: str, *, now: datetime) -> Organizer:
    public_id = new_public_id()
    organizer = Organizer(
        public_id=public_id,
        address_hash=address_hash(address),
        sealed=keyring.keys.seal({"address": address}, _bound_to(public_id)),
        password_generation=0,
        disabled=False,
        created_at=now,
    )
    db.session.add(organizer)
    return organizer


def _bound_to(public_id: str) -> str:
    return f"organizer/{public_id}"
