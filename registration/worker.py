"""The worker: `deliver` sends what is owed, and a loop calls it and the sweep (`sweeping`)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

from flask import Flask, current_app

from config import Settings
from registration import clock, forgetting
from registration.domain import outbox, pace
from registration.domain.pace import TooSoon
from registration.extensions import DATABASE_AWAY, writing
from registration.keys import new_public_id
from registration.mail.handover import hand_over
from registration.mail.posting import Unreachable, postman
from registration.mail.recording import Stop, leave_unit_after, surely
from registration.starting import recheck_keys
from registration.sweeping import forget, sweep

logger = logging.getLogger("plenary.worker")

BATCH = 50
PAUSE = 1.0
"""Seconds between two looks at what is due."""
OUTAGE_PAUSE = 5.0
"""Seconds before a mail server that could not be reached is tried again."""

LOOK_EVERY = 1.0
"""Seconds between two looks, within a batch, for urgent mail."""

Work = Callable[[threading.Event], int]
"""What is done on each connection until the event is set; returns how many mails were tried."""


def make_ready() -> None:
    """See to what has to be before this process does anything: the keys fit the database, and who was erased before a
    backup was restored is gone again.

    Raises SettingsError, whose sentence says what to do, and what the database or the file of erased ids raises.
    """
    recheck_keys()
    forgetting.replay(current_app, now=clock.now())


def is_ready() -> bool:
    """Whether that is done, or could be done now; raises SettingsError alone."""
    try:
        make_ready()
    except (*DATABASE_AWAY, OSError) as error:
        leave_unit_after(error, "nothing is begun yet", logger)
        return False
    return True


def deliver(owner: str, limit: int = BATCH, stop: Stop = lambda: False, shift: timedelta = outbox.LEASE / 2) -> int:
    """Claim a batch of what is owed and hand it over, one commit per mail. Returns how many mails were tried.

    Between two mails it looks whether it should `stop`, and whether half of its lease is over: no mail is begun that
    might still be under way when another worker may claim it. What it then holds goes back at once, as it does when
    the mail server cannot be reached (raises Unreachable). While the database takes nothing down, nothing is sent.
    Raises TooSoon where MAIL_RATE lets nothing leave yet. `shift`: after which no mail is begun.
    """
    goes_on = _shift(stop, shift)
    mails = _claim(owner, limit, stop)
    if not mails:
        return 0
    try:
        with postman(stop) as post:
            return hand_over(mails, owner, post, stop, goes_on)
    finally:
        surely(lambda: _release(owner), stop)


def run_once(stopped: threading.Event | None = None) -> int:
    """Do all that is due, or what can be done until `stopped` is set; then return how many mails were tried.

    Raises Unreachable where mail cannot leave.
    """
    make_ready()
    stopped = stopped or threading.Event()
    sweep()
    while forgetting.progress_of(current_app).unfinished and not stopped.wait(forgetting.PAUSE):
        forget()
    with _on_each_connection(_deliver_all, stopped) as running:
        return sum(one.result() for one in running)


def run_until(stopped: threading.Event) -> None:
    """Sweep, and deliver on each connection, until `stopped` is set; a fault is logged and the next round tries
    again. Raises SettingsError as `make_ready` does."""
    while not stopped.is_set() and not is_ready():
        stopped.wait(OUTAGE_PAUSE)
    with _on_each_connection(_deliver_until, stopped):
        try:
            while not stopped.is_set():
                sweep()
                stopped.wait(PAUSE)
        finally:
            stopped.set()


@contextmanager
def _on_each_connection(
    work: Callable[[threading.Event], int], stopped: threading.Event
) -> Iterator[list[Future[int]]]:
    """Do `work` in as many threads as the settings allow connections; wait for all of them at the end."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    count = _settings().mail_connections

    def within(stopped: threading.Event) -> int:
        with app.app_context():
            return work(stopped)

    with ThreadPoolExecutor(count, "deliver") as pool:
        yield [pool.submit(within, stopped) for _number in range(count)]


def _deliver_all(stopped: threading.Event) -> int:
    """Deliver until nothing is due. Returns how many mails were tried."""
    owner = new_public_id()
    total = 0
    while not stopped.is_set():
        try:
            tried = deliver(owner, stop=stopped.is_set)
        except TooSoon as wait:
            stopped.wait(wait.seconds)
            continue
        if not tried:
            break
        total += tried
    return total


def _deliver_until(stopped: threading.Event) -> int:
    """Deliver until `stopped` is set."""
    owner = new_public_id()
    while not stopped.is_set():
        stopped.wait(deliver_guarded(owner, stopped.is_set))
    return 0


def deliver_guarded(owner: str, stop: Stop = lambda: False, shift: timedelta = outbox.LEASE / 2) -> float:
    """Deliver one batch, and log what goes wrong by its kind alone. Returns the seconds to wait before the next."""
    try:
        return 0 if deliver(owner, stop=stop, shift=shift) else PAUSE
    except TooSoon as wait:
        return wait.seconds
    except Unreachable as error:
        logger.warning("the mail server takes no mail now (%s)", error)
        return OUTAGE_PAUSE
    except Exception as error:  # noqa: BLE001 - one fault must not end the worker
        leave_unit_after(error, "a delivery failed", logger)
        return PAUSE


def _shift(stop: Stop, shift: timedelta) -> Callable[[], bool]:
    """Return whether one more mail may be begun: until `stop`, or the end of the shift by a clock that nobody sets; and
    until an urgent mail waits that nobody has, looked for once a second: it goes ahead in the next batch."""
    ends = time.monotonic() + shift.total_seconds()
    look_at = time.monotonic() + LOOK_EVERY

    def goes_on() -> bool:
        nonlocal look_at
        moment = time.monotonic()
        if stop() or moment >= ends:
            return False
        if moment < look_at:
            return True
        look_at = moment + LOOK_EVERY
        return not outbox.urgent_waits(now=clock.now())

    return goes_on


def _claim(owner: str, limit: int, stop: Stop) -> list[list[int]]:
    """Claim a batch, as large as MAIL_RATE allows. Raises TooSoon."""
    now, rate = clock.now(), _settings().mail_rate
    try:
        with writing():
            leave = pace.take(limit, per_minute=rate, now=now)
            mails = outbox.claim(owner=owner, limit=leave, now=now)
            pace.give_back(max(0, leave - len(mails)), per_minute=rate)
    except DATABASE_AWAY:
        # Nobody knows whether a commit that broke off was kept.
        surely(lambda: _release(owner), stop)
        raise
    return mails


def _release(owner: str) -> None:
    with writing():
        outbox.release(owner=owner)


def _settings() -> Settings:
    settings: Settings = current_app.config["PLENARY"]
    return settings
