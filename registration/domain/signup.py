"""Signing up: what is typed, the proof of the address, the lost link.

Nobody learns from an answer whether an address is known: a page only lays what was typed into the tray
(`domain.submissions`), the worker calls `sign_up` and `send_link_again`, and the difference is in the mail alone.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import bindparam, delete, select

from registration.domain import admission, owing, privacy, proofs, vetting
from registration.domain.personal import Personal, address_hash, open_personal, seal_into, sealed
from registration.errors import Refusal
from registration.extensions import db, insert_row, insert_rows, keyring, wait_for_others
from registration.keys import new_public_id
from registration.models import Category, Event, Registration, SessionChoice
from registration.models.delivery import DeliveryKind as Kind
from registration.models.event import EventState
from registration.models.registration import PROVED
from registration.models.registration import RegistrationState as State


class Window(enum.StrEnum):
    """Whether people can sign up."""

    BEFORE = "before"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True)
class SignUp:
    """What somebody typed, checked and cleaned. `session_ids`: the sessions they want to follow, at least one;
    `vetting_name`: where the category asks for it."""

    personal: Personal
    session_ids: tuple[int, ...]
    language: str
    stream_language: str
    zone: str
    country: str = ""
    discreet: bool = False
    vetting_name: str = ""


def window(event: Event, *, now: datetime) -> Window:
    """Return whether sign-up is open: between its dates, for a published event."""
    if event.state is not EventState.PUBLISHED or now >= event.registration_closes:
        return Window.CLOSED
    return Window.OPEN if now >= event.registration_opens else Window.BEFORE


def sign_up(category: Category, form: SignUp, *, sent_at: datetime | None = None, now: datetime) -> None:
    """Take a sign-up and owe the mail it needs. `sent_at`: when its form was sent, where that was before `now`.

    An address that is not known, or whose registration was cancelled, gets a link to prove these very answers. One
    that is registered gets its own link again, at most once in the quiet time, and nothing of it changes. The same
    sign-up twice is one. Each mail that asks for proof has its turn (`proofs`): nobody is kept out by others who type
    the address. Raises Refusal when sign-up was not open.
    """
    if window(category.event, now=sent_at or now) is not Window.OPEN:
        raise Refusal(_l("Registration is not open now; the event page says when it is."))
    claim = claim_of(category, form)
    known = _with_address(category.event_id, form.personal.address)
    proved = next((one for one in known if one.claim == PROVED), None)
    same = next((one for one in known if one.claim == claim), None)
    if proved is not None and proved.state is not State.CANCELLED:
        _remind_of_link(proved, Kind.ALREADY, now=now)
    elif same is not None:
        proofs.owe_again(same, known, now=now)
    else:
        _store(category, form, claim, proofs.next_turn(known, now=now), now=now)


def claim_of(category: Category, form: SignUp) -> bytes:
    """Return the keyed digest of all that was typed: the same sign-up has the same."""
    typed = json.dumps([category.slug, {**vars(form), "personal": vars(form.personal)}], sort_keys=True)
    return keyring.keys.digest("claim", typed)


def prove(registration: Registration, *, now: datetime) -> Registration:
    """Take the proof of an address and admit the person. Returns the registration they have from now on.

    Who is registered already keeps that registration as it is; who had cancelled gets it back with the new answers.
    Raises Refusal when the link's time is over, or the event does not take place.
    """
    event = admission.lock_event(registration.event_id)
    found = db.session.get(Registration, registration.id, populate_existing=True, with_for_update={"key_share": True})
    if found is None or found.state is not State.UNVERIFIED:
        raise Refusal(_l("This address is confirmed already; ask for your link if you have lost it."))
    if event.state is not EventState.PUBLISHED:
        raise Refusal(_l("This event takes no registrations any more; its page says how things stand."))
    if registration.expires_at is None or now >= registration.expires_at:
        raise Refusal(_l("The time of this link is over; please sign up again."))
    known = db.session.scalars(
        select(Registration).where(
            Registration.event_id == registration.event_id, Registration.address_hash == registration.address_hash
        )
    ).all()
    owing.drop_waiting(known, Kind.PROVE, now=now)
    earlier = next((one for one in known if one.claim == PROVED), None)
    if earlier is not None:
        return _return_to(earlier, registration, now=now)
    registration.claim = PROVED
    _admit(registration, event, now=now)
    return registration


def is_discreet(registration: Registration) -> bool:
    """Whether mail to this address has to be discreet: this sign-up says so, or the registration that stands does.

    A stranger may have typed this one; whoever proves it may then do without.
    """
    if registration.discreet or registration.claim == PROVED:
        return registration.discreet
    stands = select(Registration.discreet).where(
        Registration.event_id == registration.event_id,
        Registration.address_hash == registration.address_hash,
        Registration.claim == PROVED,
    )
    return bool(db.session.execute(stands).scalar())


def send_link_again(event: Event, address: str, *, now: datetime) -> None:
    """Owe the lost link to an address that is registered or has a sign-up to prove; others get nothing."""
    known = _with_address(event.id, address)
    proved = next((one for one in known if one.claim == PROVED), None)
    if proved is not None:
        _remind_of_link(proved, Kind.LINK, now=now)
        return
    open_ones = [one for one in known if one.expires_at and one.expires_at > now]
    if open_ones:
        proofs.owe_again(max(open_ones, key=lambda one: one.created_at), known, now=now)


def expire_unverified(*, now: datetime) -> int:
    """Delete sign-ups whose address was not proved in time. Returns how many."""
    result = db.session.execute(
        delete(Registration)
        .where(Registration.state == State.UNVERIFIED, Registration.expires_at <= now)
        .execution_options(synchronize_session=False)
    )
    return result.rowcount  # type: ignore[attr-defined,no-any-return]


def set_sessions(registration: Registration, session_ids: tuple[int, ...]) -> None:
    """Let a registration be for just these sessions."""
    kept = {choice.session_id: choice for choice in registration.choices}
    registration.choices = [kept.get(one) or SessionChoice(session_id=one) for one in sorted(set(session_ids))]


_OF_ADDRESS = (
    Registration.event_id == bindparam("event_id"),
    Registration.address_hash == bindparam("address_hash"),
    Registration.leaving_since.is_(None),
)
_IS_KNOWN = select(Registration.id).where(*_OF_ADDRESS).limit(1)
_KNOWN = select(Registration).where(*_OF_ADDRESS).with_for_update()


def _with_address(event_id: int, address: str) -> Sequence[Registration]:
    hashed = address_hash(address)
    found = {"event_id": event_id, "address_hash": hashed}
    wait_for_others(hashed)
    if db.session.connection().execute(_IS_KNOWN, found).first() is None:
        return ()
    return db.session.execute(_KNOWN, found).scalars().all()


def _store(category: Category, form: SignUp, claim: bytes, due: datetime, *, now: datetime) -> None:
    """Write an unverified registration with its choices, and owe the mail that proves it."""
    public_id = new_public_id()
    values = {
        "public_id": public_id,
        "event_id": category.event_id,
        "category_id": category.id,
        "address_hash": address_hash(form.personal.address),
        "claim": claim,
        "state": State.UNVERIFIED,
        "language": form.language,
        "stream_language": form.stream_language,
        "zone": form.zone,
        "country": form.country,
        "discreet": form.discreet,
        "sealed": sealed(form.personal, public_id),
        "vetting": vetting.sealed_vetting(form.vetting_name, public_id),
        "created_at": now,
        "updated_at": now,
        "expires_at": due + proofs.PROOF_TIME,
    }
    number = insert_row(Registration, values)
    insert_rows(SessionChoice, [{"registration_id": number, "session_id": one} for one in form.session_ids])
    owing.owe(
        owing.Recipient(number, public_id, category.event_id),
        Kind.PROVE,
        useful_until=due + proofs.PROOF_TIME,
        first=True,
        due=due,
        now=now,
    )


def _remind_of_link(registration: Registration, kind: Kind, *, now: datetime) -> None:
    if not owing.told_lately(registration, (Kind.ALREADY, Kind.LINK), now=now):
        owing.owe(registration, kind, now=now)


def _admit(registration: Registration, event: Event, *, now: datetime) -> None:
    registration.proved_at = now
    registration.expires_at = None
    if event.forgotten_fields:
        privacy.hold_back(registration)
    admission.admit(registration, admission.Places(event), now=now)


def _return_to(earlier: Registration, newer: Registration, *, now: datetime) -> Registration:
    """Take the new answers into the registration that was cancelled; one that was not stays as it is."""
    if earlier.state is State.CANCELLED:
        for name in ("category_id", "language", "stream_language", "zone", "country", "discreet"):
            setattr(earlier, name, getattr(newer, name))
        seal_into(earlier, replace(open_personal(newer), reason=""))
        vetting.take_over(earlier, newer)
        set_sessions(earlier, tuple(choice.session_id for choice in newer.choices))
        db.session.flush()
        db.session.refresh(earlier, ["category"])
        _admit(earlier, earlier.event, now=now)
    db.session.delete(newer)
    return earlier
