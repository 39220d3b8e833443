"""The second factor of organizers: codes of an authenticator app (TOTP, RFC 6238), and codes for when it is lost.

A secret is given first, to one session for a quarter of an hour, and in force once a code of it was typed there: who
has begun it elsewhere, with a password that was stolen, has nothing of it. Each code opens once: that of the app
because no earlier step is taken again (RFC 6238, 5.2), a recovery code because it goes.
"""

from __future__ import annotations

import hmac
import unicodedata
from datetime import datetime, timedelta
from typing import Any

import pyotp
from flask_babel import lazy_gettext as _l

from registration.errors import Refusal
from registration.extensions import db, keyring
from registration.models import Organizer, OrganizerSession

STEP = 30
"""Seconds for which an app shows one code."""
DRIFT = 1
"""Steps before and after, for clocks that differ and fingers that are slow."""
PENDING = timedelta(minutes=15)
"""For how long a secret that is not in force yet can be confirmed."""
NOT_FITTING = _l("This code does not fit; type the one that the app shows now.")
RECOVERY_CODES = 10
RECOVERY_LENGTH = 16
"""Letters and digits of base32: 80 random bits."""


def is_on(organizer: Organizer) -> bool:
    """Whether signing in to the account asks for a code."""
    return organizer.factor_step is not None


def begin(session: OrganizerSession, *, now: datetime) -> None:
    """Give the account a secret for the app, in place of one that was never in force; to this session alone. Raises
    Refusal where one is in force."""
    organizer = session.organizer
    _lock(organizer)
    if is_on(organizer):
        raise Refusal(_l("The second factor is on already; switch it off first."))
    begun = {"session": session.id, "begun": now.timestamp()}
    _keep(organizer, {"secret": pyotp.random_base32(), "recovery": [], **begun})


def pending_secret(session: OrganizerSession, *, now: datetime) -> str:
    """Return the secret that this session has begun and can confirm, in base32; empty where there is none."""
    kept, organizer = _kept(session.organizer), session.organizer
    is_mine = kept.get("session") == session.id and now.timestamp() < kept["begun"] + PENDING.total_seconds()
    return str(kept["secret"]) if is_mine and not is_on(organizer) else ""


def address_for_app(secret: str, *, account: str, service: str) -> str:
    """Return the `otpauth://` address by which an app takes the secret in."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=service)


def confirm(session: OrganizerSession, typed: str, *, now: datetime) -> list[str]:
    """Let the factor that this session has begun be in force from now on. Returns the recovery codes, of which digests
    alone are kept.

    Raises Refusal, about the code, where it does not fit, and where there is nothing to confirm.
    """
    organizer = session.organizer
    _lock(organizer)
    secret = pending_secret(session, now=now)
    step = _step_of(secret, _plain(typed), now) if secret else None
    if step is None:
        raise Refusal(NOT_FITTING, "code")
    codes = [_new_recovery_code() for _number in range(RECOVERY_CODES)]
    _keep(organizer, {"secret": secret, "recovery": [_digest(_plain(one)) for one in codes]})
    organizer.factor_step = step
    return codes


def fits(organizer: Organizer, typed: str, *, now: datetime) -> bool:
    """Whether this code opens the account, as it is read; where the factor is off, anything does."""
    code = _plain(typed)
    return not is_on(organizer) or _new_step(organizer, code, now) is not None or _recovery_left(organizer, code)


def use(organizer: Organizer, typed: str, *, now: datetime) -> bool:
    """Take a code, which then opens nothing any more. Returns whether it fitted: of two at once one does."""
    _lock(organizer)
    if not is_on(organizer):
        return True
    code = _plain(typed)
    step = _new_step(organizer, code, now)
    if step is not None:
        organizer.factor_step = step
        return True
    if not _recovery_left(organizer, code):
        return False
    kept = _kept(organizer)
    _keep(organizer, {**kept, "recovery": [one for one in kept["recovery"] if one != _digest(code)]})
    return True


def switch_off(organizer: Organizer, typed: str, *, now: datetime) -> None:
    """Switch the factor off for a code of it. Raises Refusal, about the code, where that does not fit."""
    if not is_on(organizer) or not use(organizer, typed, now=now):
        raise Refusal(NOT_FITTING, "code")
    end(organizer)


def end(organizer: Organizer) -> None:
    """Switch the factor off, whatever was typed, and forget its secret."""
    _lock(organizer)
    organizer.factor = organizer.factor_step = None


def recovery_codes_left(organizer: Organizer) -> int:
    """Return how many recovery codes have not been used."""
    return len(_kept(organizer)["recovery"])


def _new_step(organizer: Organizer, code: str, now: datetime) -> int | None:
    """The step whose code this is, later than any that was taken."""
    step = _step_of(_kept(organizer)["secret"], code, now)
    return step if step is not None and step > (organizer.factor_step or 0) else None


def _step_of(secret: str, code: str, now: datetime) -> int | None:
    """The step whose code this is: now, or one before or after."""
    current = int(now.timestamp()) // STEP
    steps = range(current - DRIFT, current + DRIFT + 1)
    return next((one for one in steps if hmac.compare_digest(pyotp.TOTP(secret).generate_otp(one), code)), None)


def _recovery_left(organizer: Organizer, code: str) -> bool:
    return _digest(code) in _kept(organizer)["recovery"]


def _new_recovery_code() -> str:
    letters = pyotp.random_base32()[:RECOVERY_LENGTH]
    return "-".join(letters[first : first + 4] for first in range(0, RECOVERY_LENGTH, 4))


def _plain(typed: str) -> str:
    """A code however its groups are set off, and in whatever digits."""
    digits = (str(unicodedata.digit(one, "")) or one for one in typed.upper())
    return "".join(one for one in digits if one.isascii() and one.isalnum())


def _digest(code: str) -> str:
    return keyring.keys.digest("recovery code", code).hex()


def _kept(organizer: Organizer) -> dict[str, Any]:
    if not organizer.factor:
        return {"secret": "", "recovery": []}
    opened: dict[str, Any] = keyring.keys.open(organizer.factor, _bound_to(organizer))
    return opened


def _keep(organizer: Organizer, kept: dict[str, Any]) -> None:
    organizer.factor = keyring.keys.seal(kept, _bound_to(organizer))


def _lock(organizer: Organizer) -> None:
    db.session.refresh(organizer, with_for_update=True)


def _bound_to(organizer: Organizer) -> str:
    return f"factor/{organizer.public_id}"
