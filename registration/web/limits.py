"""How often something may be tried: from one network, about one mail address, with one account.

All is counted under keyed digests, so that neither Redis nor the memory of a process holds the address of a reader or
of a mailbox. What is counted is what was typed, whether or not it is known, so that no limit tells who is registered.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from flask import request
from werkzeug.exceptions import TooManyRequests

from registration.domain.personal import mail_address
from registration.errors import Refusal
from registration.extensions import keyring, limiter, reader_network

FORMS = "60 per minute; 600 per hour"
"""Forms from one network: a whole mission may sit behind one."""
DIFFERENT = 5
"""Different sign-ups of one address from one network in an hour: as many as it gets mails to prove, so that one network
alone can type nothing that keeps its owner waiting for longer than that."""
LOST_LINKS = "20 per hour"
"""Lost links of one address, from wherever: whoever owns it has them in the mailbox by then."""
PASSWORDS = "10 per minute; 100 per hour"  # pragma: allowlist secret
"""Passwords from one network, device or account."""
SAME_ACCOUNT = 100
"""Passwords in an hour for one account from devices that are strange to it (NIST SP 800-63B, 5.2.2)."""

FREE_TRIES = 5
LONGEST_WAIT = 15 * 60
REMEMBERED = 24 * 3600
"""For how many seconds tries are remembered."""
HASHES_AT_ONCE = 2
"""Passwords that one process looks at at a time: of its four threads two are left for readers."""

_hashing = BoundedSemaphore(HASHES_AT_ONCE)


def typed_address() -> str:
    """Return a keyed digest of the mail address that was typed into the form which is sent."""
    return _digest_of(request.form.get("address", "").strip())


def _digest_of(typed: str) -> str:
    try:
        address = mail_address(typed)
    except Refusal:
        address = typed[:1000]
    return keyring.keys.digest("typed address", address.lower()).hex()


def nothing_typed() -> bool:
    """Whether there is no address to count."""
    return not request.form.get("address", "").strip()


def wait_after(tries: int) -> int:
    """Return how many seconds to wait after so many tries that failed: none, then for 1, 2, 4 ... at most 15 min."""
    if tries < FREE_TRIES:
        return 0
    return min(60 << min(tries - FREE_TRIES, 10), LONGEST_WAIT)


def count_sign_up(address: str, digest: bytes) -> None:
    """Count a sign-up of an address, as it was understood, from this network; the same again counts as one. Raises
    TooManyRequests."""
    if not limiter.enabled:
        return
    store, who = limiter.limiter.storage, f"{_digest_of(address)}/{reader_network()}"
    this, count = f"sign-up/{who}/{digest.hex()}", f"sign-ups/{who}"
    if store.incr(this, 3600) > 1:
        return
    if store.incr(count, 3600) > DIFFERENT:
        store.clear(this)
        raise TooManyRequests(retry_after=_until(store.get_expiry(count)))


def take_try(who: str) -> None:
    """Count one more try of `who`, before it is known how it ends: also many at once are counted one by one.

    Raises TooManyRequests, and counts nothing, while `who` has to wait.
    """
    if not limiter.enabled:
        return
    store = limiter.limiter.storage
    tries, waiting = f"tries/{who}", f"waiting/{who}"
    if store.get(waiting):
        raise TooManyRequests(retry_after=_until(store.get_expiry(waiting)))
    wait = wait_after(store.incr(tries, REMEMBERED))
    if wait and store.incr(waiting, wait) > 1:
        raise TooManyRequests(retry_after=wait)


def take_strange_try(account: str) -> None:
    """Count a try for an account from a device that is strange to it, wherever. Raises TooManyRequests.

    Only tries that `take_try` has let through come here, so that it takes many networks to slow the owner's new device.
    """
    if not limiter.enabled:
        return
    store, key = limiter.limiter.storage, f"strange/{account}"
    if store.incr(key, 3600) > SAME_ACCOUNT:
        raise TooManyRequests(retry_after=_until(store.get_expiry(key)))


def forget_tries(who: str) -> None:
    """Count from the beginning again: `who` has succeeded."""
    if limiter.enabled:
        store = limiter.limiter.storage
        store.clear(f"tries/{who}")
        store.clear(f"waiting/{who}")


@contextmanager
def hashing() -> Iterator[None]:
    """Do what takes a password's time. Raises TooManyRequests where enough of that goes on: to wait for it here would
    keep a thread from readers."""
    if not _hashing.acquire(blocking=False):
        raise TooManyRequests(retry_after=1)
    try:
        yield
    finally:
        _hashing.release()


def seconds_to_wait(error: TooManyRequests) -> int:
    """Return when to try again, in seconds from now, at least one."""
    if isinstance(error.retry_after, int):
        return max(1, error.retry_after)
    breached = limiter.current_limit
    return _until(breached.window.reset_time) if breached else 1


def _until(moment: float) -> int:
    return max(1, round(moment - time.time()))
