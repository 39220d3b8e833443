"""Passwords of organizers: which are taken, and what is kept of one (OWASP ASVS 5.0, 6.2; NIST SP 800-63B)."""

from __future__ import annotations

import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from flask_babel import lazy_gettext as _l

from registration.errors import Refusal
from registration.text import is_writable

SHORTEST = 12
LONGEST = 256
STRONG = 3
"""The score of zxcvbn, of 0 to 4, from which a password stands up to tries that are slowed."""
LONGEST_LOOKED_AT = 72
"""Of a longer one this much has to be strong by itself: looking takes time with the square of the length."""
OUR_WORDS = frozenset(
    """
    admin administrator civilsociety conference correcthorsebatterystaple counterterrorism dialogue event events
    humanrights letmein livestream meeting nationsunies organizer owner password plenary registration secret
    unitednations unitednation uncct unoct unwebtv virtualdialogue webtv welcome
    """.split()  # noqa: SIM905 - a list of thirty would take thirty lines
)
"""Words that anybody would try here first (ASVS 5.0, 6.1.2): no password is one of them with digits and signs."""

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""Argon2id with the parameters of OWASP's password storage rules (m=19 MiB, t=2, p=1)."""
_NOBODYS_HASH = _hasher.hash(secrets.token_bytes(32))
"""Fits no password, and is verified where there is none: made beforehand, as the first to ask would wait for it."""


def hash_of(password: str, address: str) -> str:
    """Return what is kept of the password of the account with this address.

    Takes its time: call it outside a unit of work that writes. Raises Refusal if the password is a bad one.
    """
    refuse_bad(password, address)
    return _hasher.hash(_normalised(password))


def refuse_bad(password: str, address: str) -> None:
    """Raise Refusal for a password that is too short or long, or that zxcvbn guesses: one of the thirty thousand that
    are used most, a row of keys, a date, a word of ours or the address with digits and signs."""
    if not is_writable(password):
        sentence = _l("There are hidden control characters in this; type it again without them.")
    elif len(password) < SHORTEST:
        sentence = _l("This is too short: use at least %(number)s characters.", number=SHORTEST)
    elif len(password) > LONGEST:
        sentence = _l("This is too long: shorten it to %(number)s characters.", number=LONGEST)
    elif _is_guessable(password.casefold(), address.casefold()):
        sentence = _l("This password is easily guessed; use several words that do not belong together.")
    else:
        return
    raise Refusal(sentence, "password")


def fits(password: str, kept: str | None) -> bool:
    """Whether this is the password of which that is kept. Takes the same time where nothing is."""
    try:
        _hasher.verify(kept or _NOBODYS_HASH, _normalised(password[: LONGEST + 1]))
    except VerificationError:
        return False
    return kept is not None


def _is_guessable(password: str, address: str) -> bool:
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its lists take 10 MB, which few processes ever need

    known = {address, *address.split("@"), *OUR_WORDS}
    if _letters(password) in {_letters(one) for one in known} - {""}:
        return True
    return int(zxcvbn(password[:LONGEST_LOOKED_AT], user_inputs=list(known))["score"]) < STRONG


def _letters(text: str) -> str:
    return "".join(one for one in text if one.isalpha())


def _normalised(password: str) -> bytes:
    """The same password from every keyboard (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
