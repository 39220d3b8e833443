"""The worker: `sweep` makes what falls due, `deliver` sends what is owed, and a loop calls them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from flask import Flask, current_app

from config import Settings
from registration import clock, forgetting, tray
from registration.domain import (
    admission,
    announcement_mails,
    notices,
    openness,
    outbox,
    pace,
    reminders,
    signup,
    submissions,
)
from registration.domain.accounts import expire_sessions
from registration.domain.pace import TooSoon
from registration.domain.queue_health import overdue
from registration.extensions import DATABASE_AWAY, db, writing
from registration.keys import new_public_id
from registration.mail.handover import hand_over
from registration.mail.posting import Unreachable, postman
from registration.mail.recording import Stop, leave_unit, surely
from registration.starting import recheck_keys

logger = logging.getLogger("plenary.worker")

BATCH = 50
PAUSE = 1.0
"""Seconds between two looks at what is due."""
OUTAGE_PAUSE = 5.0
"""Seconds before a mail server that could not be reached is tried again."""

LOOK_EVERY = 1.0
"""Seconds between two looks, within a batch, for urgent mail."""
ALARM_EVERY = timedelta(minutes=1)
OVERDUE = (
    "due for more than 2 minutes and not sent: %d mails, %d rounds of reminders, %d answers to forms, since %s (%s)"
)
WIPE_AGAIN = timedelta(minutes=1)

T = TypeVar("T")
Work = Callable[[threading.Event], int]
"""What is done on each connection until the event is set; returns how many mails were tried."""


def is_ready() -> bool:
    """Whether the keys fit the database, which was away when this process started; not, while it is still away.

    Raises SettingsError if they do not fit.
    """
    try:
        recheck_keys()
    except DATABASE_AWAY as error:
        leave_unit()
        _log("the keys cannot be checked", error)
        return False
    return True


def sweep() -> None:
    """Answer what was sent by forms, and make what falls due now: notices of changes, reminders, announcements, moves
    of waiting lists, what pages say of places, and what is to be forgotten; and log what is overdue.

    A step that fails is logged and holds up neither the others nor the mail.
    """
    for step in STEPS:
        _guarded(step)


def _guarded(step: Callable[[datetime], None]) -> None:
    try:
        step(clock.now())
    except Exception as error:  # noqa: BLE001 - the next sweep tries again
        leave_unit()
        _log(f"{step.__name__.strip('_')} failed", error)


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
    recheck_keys()
    stopped = stopped or threading.Event()
    sweep()
    while forgetting.progress_of(current_app).unfinished and not stopped.wait(forgetting.PAUSE):
        _guarded(_forget)
    with _on_each_connection(_deliver_all, stopped) as running:
        return sum(one.result() for one in running)


def run_until(stopped: threading.Event) -> None:
    """Sweep, and deliver on each connection, until `stopped` is set; a fault is logged and the next round tries
    again. Raises SettingsError where the keys do not fit the database."""
    while not stopped.is_set() and not is_ready():
        stopped.wait(OUTAGE_PAUSE)
    # Whoever was erased before a restored backup was taken in is gone before any mail leaves.
    sweep()
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
        leave_unit()
        _log("a delivery failed", error)
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


def _answer_submissions(now: datetime) -> None:
    tray.empty(now=now)


def _make_notices(now: datetime) -> None:
    _make_each(notices.due_sessions(now=now), lambda one: notices.tell(one, now=now))


def _make_reminders(now: datetime) -> None:
    rounds = [(due.rule.id, due.session.id) for due in reminders.not_made(now=now)]
    _make_each(rounds, lambda one: reminders.make_round(*one, now=now))


def _make_announcements(now: datetime) -> None:
    _make_each(announcement_mails.due(now=now), lambda one: announcement_mails.make(one, now=now))


def _make_each(due: Iterable[T], make: Callable[[T], object]) -> None:
    """Make each in a unit of work of its own: one that fails holds up no other."""
    for one in due:
        try:
            with writing():
                make(one)
        except Exception as error:  # noqa: BLE001 - the next sweep tries again
            leave_unit()
            _log("what is due cannot be made", error)


def _fill_places(now: datetime) -> None:
    with writing():
        admission.fill_all(now=now)


def _show_places(now: datetime) -> None:
    stale = openness.stale(now=now)
    db.session.rollback()
    if stale:
        with writing():
            for event_id, said in stale.items():
                openness.say(event_id, said)


def _forget(now: datetime) -> None:
    with writing():
        submissions.expire(now=now)
        signup.expire_unverified(now=now)
        expire_sessions(now=now)
    if _Wiping.again_at and now < _Wiping.again_at:
        return
    try:
        forgetting.go_on(current_app, now=now, wipe_first=_Wiping.again_at is not None)
        _Wiping.again_at = None
    except forgetting.NotWiped:
        _Wiping.again_at = now + WIPE_AGAIN
        logger.error("the database is in use: what was deleted is not wiped yet; it is tried again in a minute")
    except OSError as error:
        logger.error("the file of erased ids takes nothing down (%s): nobody is erased until it does", error.strerror)


class _Wiping:
    """When to try again what somebody who read or wrote kept this process from; None when there is nothing to try."""

    again_at: datetime | None = None


class _Alarm:
    """When this process has last said that something is overdue."""

    sounded_at: datetime | None = None


def _sound_alarm(now: datetime) -> None:
    """Log once a minute, at most, that something is due and does not leave."""
    if _Alarm.sounded_at and timedelta(0) <= now - _Alarm.sounded_at < ALARM_EVERY:
        return
    late = overdue(now=now)
    db.session.rollback()
    if late:
        _Alarm.sounded_at = now
        told = (late.mails, late.reminders, late.submissions, f"{late.since:%Y-%m-%dT%H:%M:%SZ}", late.cause)
        logger.error(OVERDUE, *told)


STEPS = (
    _answer_submissions,
    _make_notices,
    _make_reminders,
    _make_announcements,
    _fill_places,
    _show_places,
    _forget,
    _sound_alarm,
)
"""What a sweep does, in this order."""


def _log(what: str, error: Exception) -> None:
    """Log the kind of fault alone: a traceback would quote people's data."""
    logger.error("%s (%s)", what, type(error).__name__)
