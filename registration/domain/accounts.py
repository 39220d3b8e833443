"""Accounts of organizers: a one-time link to set the password, signing in, sessions kept here.

A wrong address and a wrong password take the same time and get the same answer. Nobody is locked out: tries are
slowed where they come from, by the edge.
"""

from __future__ import annotations

import secrets
import unicodedata
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, or_, select
from sqlalchemy.orm import joinedload

from registration.domain.personal import address_hash, mail_address
from registration.errors import NotFound, Refusal
from registration.extensions import db, keyring
from registration.keys import new_public_id, public_id_of
from registration.models import Event, Organizer, OrganizerRole, OrganizerSession
from registration.models.organizer import Role
from registration.text import is_writable

PASSWORD_LINK_TIME = timedelta(days=1)
IDLE_TIME = timedelta(minutes=30)
LONGEST_SESSION = timedelta(hours=8)
FRESH_TIME = timedelta(minutes=15)
"""How long after its password a session may take lists away without being asked again."""
SEEN_STEP = timedelta(minutes=1)
"""How often a session in use is written down."""
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
TOKEN_BYTES = 32
COMMON = frozenset(
    """
    000000000000 0123456789ab 111111111111 112233445566 123123123123 1234567890ab 12345678910 123456789012
    1234567890123 12345678901234 123456789abc 1q2w3e4r5t6y 1qaz2wsx3edc administrator adminadminadmin
    abcd1234abcd abcdefghijkl changemechangeme changethispassword correcthorsebatterystaple iloveyouiloveyou
    letmeinletmein organizer1234 password1234 password12345 password123456 password123! passwordpassword
    p@ssw0rd1234 passw0rd1234 plenary123456 qwerty123456 qwertyqwerty qwertyuiop12 qwertyuiop123 qwertyuiopas
    unitednations welcome12345 welcomewelcome zaq12wsxcde3
    """.split()  # noqa: SIM905 - a list of forty would take forty lines
)
"""The most common passwords of this length, in lower case."""
OUR_WORDS = frozenset(
    """
    admin administrator civilsociety conference counterterrorism dialogue event events humanrights letmein livestream
    meeting nationsunies organizer owner password plenary registration secret unitednations unitednation uncct unoct
    unwebtv virtualdialogue webtv welcome
    """.split()  # noqa: SIM905 - as above
)
"""Words that anybody would try here first (ASVS 5.0, 6.1.2): no password is one of them with digits and signs."""

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""Argon2id with the parameters of OWASP's password storage rules (m=19 MiB, t=2, p=1)."""
_NOBODYS_HASH = _hasher.hash(secrets.token_bytes(TOKEN_BYTES))
"""Fits no password, and is verified where there is none: made beforehand, as the first to ask would wait for it."""


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


def disable(organizer: Organizer) -> None:
    """Let nobody sign in to the account any more, and end its sessions."""
    organizer.disabled = True
    _end_sessions(organizer)


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


def password_hash_of(password: str, address: str) -> str:
    """Return what `set_password` keeps of the password of the account with this address.

    Takes its time: call it outside a unit of work that writes. Raises Refusal if the password is a bad one.
    """
    refuse_bad_password(password, address)
    return _hasher.hash(_normalised(password))


def set_password(organizer: Organizer, password_hash: str) -> None:
    """Set the password, which ends the link and every session."""
    organizer.password_hash = password_hash
    organizer.password_generation += 1
    organizer.password_link_until = None
    _end_sessions(organizer)


def refuse_bad_password(password: str, address: str) -> None:
    """Raise Refusal for a password that is too short or long, known to all, or the address (NIST SP 800-63B)."""
    if not is_writable(password):
        sentence = _l("There are hidden control characters in this; type it again without them.")
    elif len(password) < SHORTEST_PASSWORD:
        sentence = _l("This is too short: use at least %(number)s characters.", number=SHORTEST_PASSWORD)
    elif len(password) > LONGEST_PASSWORD:
        sentence = _l("This is too long: shorten it to %(number)s characters.", number=LONGEST_PASSWORD)
    elif _is_guessable(password.casefold(), address.casefold()):
        sentence = _l("This password is easily guessed; use several words that do not belong together.")
    else:
        return
    raise Refusal(sentence, "password")


def password_fits(organizer: Organizer | None, password: str) -> bool:
    """Whether this is the account's password. Takes the same time where there is no account or no password yet."""
    known = organizer.password_hash if organizer and not organizer.disabled else None
    try:
        _hasher.verify(known or _NOBODYS_HASH, _normalised(password[: LONGEST_PASSWORD + 1]))
    except VerificationError:
        return False
    return known is not None


def check_sign_in(typed_address: str, password: str) -> Organizer:
    """Return whose address and password these are. Raises Refusal in the same words, after the same time, whatever
    is wrong."""
    try:
        organizer = _with_address(mail_address(typed_address))
    except Refusal:
        organizer = None
    if not password_fits(organizer, password) or organizer is None:
        raise Refusal(_l("Address and password do not fit; type them again, or ask the owner for a new link."))
    return organizer


def start_session(organizer: Organizer, *, now: datetime) -> str:
    """Start a session and return its token, of which only a digest is kept."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    db.session.add(
        OrganizerSession(token_digest=_digest(token), organizer_id=organizer.id, created_at=now, seen_at=now)
    )
    return token


def session_with(token: str, *, now: datetime) -> OrganizerSession | None:
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
    """Whether the password of this session was typed lately enough to take a list away."""
    return now - session.created_at <= FRESH_TIME


def end_session(token: str) -> None:
    """End the session of this token."""
    db.session.execute(delete(OrganizerSession).where(OrganizerSession.token_digest == _digest(token)))


def sessions_of(organizer: Organizer, *, now: datetime) -> list[OrganizerSession]:
    """Return the sessions of an account that are not over, the one used last first."""
    own = select(OrganizerSession).where(OrganizerSession.organizer_id == organizer.id)
    found = db.session.scalars(own.order_by(OrganizerSession.seen_at.desc(), OrganizerSession.id.desc()))
    return [one for one in found if not _is_over(one, now)]


def end_other_sessions(organizer: Organizer, kept: OrganizerSession) -> None:
    """End all sessions of an account but one."""
    others = OrganizerSession.organizer_id == organizer.id, OrganizerSession.id != kept.id
    db.session.execute(delete(OrganizerSession).where(*others))


def expire_sessions(*, now: datetime) -> int:
    """Delete the sessions that are over. Returns how many."""
    over = or_(OrganizerSession.seen_at <= now - IDLE_TIME, OrganizerSession.created_at <= now - LONGEST_SESSION)
    result = db.session.execute(delete(OrganizerSession).where(over))
    return result.rowcount  # type: ignore[attr-defined,no-any-return]


def _end_sessions(organizer: Organizer) -> None:
    db.session.execute(delete(OrganizerSession).where(OrganizerSession.organizer_id == organizer.id))


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


def _is_guessable(password: str, address: str) -> bool:
    letters = "".join(one for one in password if one.isalpha())
    names = {address, "".join(one for one in address.partition("@")[0] if one.isalpha())}
    known = password in COMMON or letters in OUR_WORDS or len(set(password)) <= 3
    return known or not names.isdisjoint({password, letters})


def _normalised(password: str) -> bytes:
    """The same password from every keyboard (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _is_over(session: OrganizerSession, now: datetime) -> bool:
    return now - session.seen_at >= IDLE_TIME or now - session.created_at >= LONGEST_SESSION


def _digest(token: str) -> bytes:
    return keyring.keys.digest("session", token)


def _bound_to(public_id: str) -> str:
    return f"organizer/{public_id}"
