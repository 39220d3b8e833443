"""The name for vetting: sealed apart from all that lists, searches, exports and mails open, read by those who review
alone, and erased when the decision is final."""

from __future__ import annotations

from registration.extensions import keyring
from registration.models import Registration
from registration.models.registration import RegistrationState as State

FINAL = frozenset({State.CONFIRMED, State.DECLINED, State.CANCELLED})
"""Where nobody reviews any more: who is declined may still be confirmed, but by what is known of them already."""


def sealed_vetting(name: str, public_id: str) -> bytes | None:
    """Return a name for vetting sealed for the registration with this public id; None for no name."""
    return keyring.keys.seal(name, bound_to(public_id)) if name else None


def vetting_name(registration: Registration) -> str:
    """Return the name for vetting; nothing where none was asked for, or it is erased. Raises SealError."""
    if registration.vetting is None:
        return ""
    name: str = keyring.keys.open(registration.vetting, bound_to(registration.public_id))
    return name


def take_over(earlier: Registration, newer: Registration) -> None:
    """Give a registration that comes back the name for vetting that was typed with the new one."""
    earlier.vetting = sealed_vetting(vetting_name(newer), earlier.public_id)


def erase_when_final(registration: Registration) -> None:
    """Erase the name for vetting where its registration's state is final, unless the event keeps it until its clock."""
    if registration.state in FINAL and not registration.event.keeps_vetting_names:
        registration.vetting = None


def bound_to(public_id: str) -> str:
    """Return the name of the value that a name for vetting is bound to."""
    return f"vetting/{public_id}"
