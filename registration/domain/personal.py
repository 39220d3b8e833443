"""What only a person's key opens: the sealed part of a registration, of an account, of an export."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask_babel import lazy_gettext as _l

from registration.errors import Refusal
from registration.extensions import keyring
from registration.models import Registration

ADDRESS_LENGTH = 254
"""RFC 5321, 4.5.3.1.3 with erratum 1690."""


@dataclass(frozen=True)
class Personal:
    """The personal part of a registration. `answers` by question name; `needs`: words of the person's own."""

    name: str
    address: str
    organization: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    captions: bool = False
    sign: bool = False
    needs: str = ""
    neutral_title: str = ""
    reason: str = ""
    """What the organizer wrote with a decision."""


ERASABLE = ("organization", "answers", "captions", "sign", "needs", "neutral_title", "reason")
"""The fields that an event may let go before the rest (`domain.clocks`)."""


def sealed(personal: Personal, public_id: str) -> bytes:
    """Return the personal part sealed for the registration with this public id."""
    return keyring.keys.seal(vars(personal), bound_to(public_id))


def seal_into(registration: Registration, personal: Personal) -> None:
    """Put the personal part into its row, without what is forgotten at its event; `public_id` must stand."""
    registration.sealed = sealed(without(personal, registration.event.forgotten_fields), registration.public_id)


def without(personal: Personal, fields: Iterable[str] | None) -> Personal:
    """Return the personal part with these fields empty; names of other fields change nothing."""
    empty = Personal(name="", address="")
    return replace(personal, **{name: getattr(empty, name) for name in fields or () if name in ERASABLE})


def open_personal(registration: Registration) -> Personal:
    """Return the personal part. Raises SealError if its key is missing."""
    return Personal(**keyring.keys.open(registration.sealed, bound_to(registration.public_id)))


def bound_to(public_id: str) -> str:
    """Return the name of the row that a registration's sealed value is bound to."""
    return f"registration/{public_id}"


def mail_address(typed: str) -> str:
    """Return an address as mail is sent to it (RFC 5322 addr-spec in ASCII, an IDN in its A-label form).

    Raises Refusal if it is none. The domain is not looked up.
    """
    try:
        found = validate_email(typed.strip(), check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError:
        raise Refusal(_l("This is not a mail address; write it like name@example.org."), "address") from None
    if not found.ascii_email or len(found.ascii_email) > ADDRESS_LENGTH:
        raise Refusal(_l("This mail address is too long; use another one."), "address")
    return found.ascii_email


def address_hash(address: str) -> bytes:
    """Return the keyed hash an address is found by. Upper and lower case are the same address."""
    return keyring.keys.address_hash(address.lower())
