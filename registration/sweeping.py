"""The sweep: what falls due is made, step by step, and what is over is forgotten."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from flask import current_app

from config import SettingsError
from registration import clock, forgetting, tray
from registration.domain import (
    admission,
    announcement_mails,
    desk_sessions,
    notices,
    openness,
    reminders,
    signup,
    submissions,
)
from registration.domain.queue_health import overdue
from registration.extensions import db, writing
from registration.mail.recording import leave_unit_after

logger = logging.getLogger("plenary.worker")

ALARM_EVERY = timedelta(minutes=1)
OVERDUE = (
    "due for more than 2 minutes and not sent: %d mails, %d rounds of reminders, %d answers to forms, since %s (%s)"
)

T = TypeVar("T")


def sweep() -> None:
    """Answer what was sent by forms, and make what falls due now: notices of changes, reminders, announcements, moves
    of waiting lists, what pages say of places, and what is to be forgotten; and log what is overdue.

    A step that fails is logged and holds up neither the others nor the mail.
    """
    for step in STEPS:
        _guarded(step)


def forget() -> None:
    """Go on with what one sweep has not come to the end of."""
    _guarded(_forget)


def _guarded(step: Callable[[datetime], None]) -> None:
    try:
        step(clock.now())
    except Exception as error:  # noqa: BLE001 - the next sweep tries again
        leave_unit_after(error, f"{step.__name__.strip('_')} failed", logger)


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
            leave_unit_after(error, "what is due cannot be made", logger)


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
    forgetting.progress_of(current_app).unfinished = False
    with writing():
        submissions.expire(now=now)
        signup.expire_unverified(now=now)
        desk_sessions.expire(now=now)
    try:
        forgetting.go_on(current_app, now=now)
    except forgetting.NotWiped:
        logger.error("the database is in use: what was deleted is not wiped yet; it is tried again in a minute")


def _erase(now: datetime) -> None:
    try:
        forgetting.erase(current_app, now=now)
    except OSError as error:
        logger.error("the file of erased ids takes nothing down (%s): nobody is erased until it does", error.strerror)
    except SettingsError as error:
        logger.error("%s Nobody is erased until then.", error)


def _empty_log(now: datetime) -> None:
    forgetting.empty_log_again(current_app, now=now)


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
    _erase,
    _forget,
    _empty_log,
    _sound_alarm,
)
"""What a sweep does, in this order."""
