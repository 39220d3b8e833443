"""Forgetting, carried out: short units of work one after another, then whatever lies beside the database.

What is noted as gone is wiped from the disk too: broken off anywhere, it goes on the next time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from flask import Flask

from config import Settings, SettingsError
from registration.databases import empty_log, wipe_free_space
from registration.domain import erased_ids, erasure, privacy, private_folders
from registration.domain.privacy import Due
from registration.extensions import db, writing
from registration.mail.posting import mail_folder

PAUSE = 0.1
"""Seconds between two units of work, in which whoever waits for SQLite's lock gets it: it is tried for so often."""
SHARE = 0.5
"""Seconds of a sweep after which what is still to be forgotten waits for the next one: reminders go ahead."""
WIPE_AGAIN = timedelta(minutes=1)
WIPE_AFTER_ERASING = timedelta(hours=1)
"""SQLite overwrites what it deletes, but not what it has moved within the file before."""
EMPTY_LOG_EVERY = timedelta(minutes=1)
PROGRESS = "plenary.forgetting"
GoesOn = Callable[[], bool]
"""Asked between two units of work."""


@dataclass
class Progress:
    """How far this process has come; one that begins anew finds that most is done, and soon comes as far."""

    replayed: bool = False
    """Whether the file of erased ids was read."""
    unfinished: bool = False
    wipe_again_at: datetime | None = None
    """When to try what somebody who read or wrote kept this process from."""
    log_emptied_at: datetime | None = None
    """When SQLite's log was emptied last; None where that is to be done at once."""
    last_rows: dict[Due, int] = field(default_factory=dict)
    """While fields are taken off: the last row number looked at."""


class NotWiped(Exception):
    """Somebody who reads or writes kept the database from being wiped; what was deleted may still be on the disk."""


def forget_all(settings: Settings, *, now: datetime) -> list[tuple[str, int]]:
    """Forget all that is to be forgotten by now, and wipe the database at the end in any case.

    Returns (event slug, registrations deleted) of the events whose time is over. Raises NotWiped; SettingsError where
    the file of erased ids is lost; and, after all else is done, OSError where it takes nothing down.
    """
    erase_again(settings, now=now)
    try:
        erase_leaving(settings, now=now)
    finally:
        forgotten = forget_events(settings, Progress(), _after_a_pause, now=now)
        wipe()
    return forgotten


def go_on(app: Flask, *, now: datetime) -> None:
    """Do a sweep's share. Raises NotWiped, and does nothing for a minute where that was raised."""
    settings: Settings = app.config["PLENARY"]
    progress = progress_of(app)
    if progress.wipe_again_at and now < progress.wipe_again_at:
        return
    ends = time.monotonic() + SHARE
    try:
        if progress.wipe_again_at or _is_to_be_wiped(now):
            wipe()
            progress.wipe_again_at = None
        forget_events(settings, progress, lambda: time.monotonic() < ends, now=now)
    except NotWiped:
        progress.wipe_again_at = now + WIPE_AGAIN
        raise


def erase(app: Flask, *, now: datetime) -> None:
    """Do a sweep's share of erasing those who have asked for it. Raises as `erase_leaving`."""
    progress = progress_of(app)
    if erase_leaving(app.config["PLENARY"], now=now):
        progress.log_emptied_at = None


def empty_log_again(app: Flask, *, now: datetime) -> None:
    """Once a minute, let SQLite's log hold nothing of what was overwritten or deleted; while somebody reads, as soon as
    nobody does."""
    progress = progress_of(app)
    if progress.log_emptied_at is None or abs(now - progress.log_emptied_at) >= EMPTY_LOG_EVERY:
        progress.log_emptied_at = now if empty_log() else None


def replay(app: Flask, *, now: datetime) -> None:
    """Once in a process, and before any mail leaves, delete who was erased and has come back with a backup.

    Raises SettingsError if the file of their ids is lost, and OSError if it cannot be read.
    """
    progress = progress_of(app)
    if not progress.replayed:
        erase_again(app.config["PLENARY"], now=now)
        progress.replayed = True
        progress.log_emptied_at = None


def progress_of(app: Flask) -> Progress:
    """Return how far this process has come."""
    progress: Progress = app.extensions.setdefault(PROGRESS, Progress())
    return progress


def erase_again(settings: Settings, *, now: datetime) -> int:
    """Delete those in the file of erased ids who are in the database again. Returns how many.

    Raises SettingsError where people were erased and there is no such file.
    """
    _refuse_lost(settings.erased_file)
    back = erasure.come_back(erased_ids.read(settings.erased_file))
    db.session.rollback()
    for first in range(0, len(back), erasure.ROWS_AT_ONCE):
        with writing():
            erasure.erase_again(back[first:][: erasure.ROWS_AT_ONCE], now=now)
    return len(back)


def erase_leaving(settings: Settings, *, now: datetime) -> int:
    """Write down the ids of all who have asked to be erased, and delete whose farewell mail is settled. Returns how
    many.

    Raises SettingsError where the file of ids is lost, and OSError where it takes nothing down.
    """
    public_ids = erasure.leaving()
    if public_ids:
        _refuse_lost(settings.erased_file)
    db.session.rollback()
    if not public_ids:
        return 0
    erased_ids.note(settings.erased_file, public_ids)
    gone = 0
    for first in range(0, len(public_ids), erasure.ROWS_AT_ONCE):
        with writing():
            gone += erasure.finish(public_ids[first:][: erasure.ROWS_AT_ONCE], now=now)
    return gone


def _refuse_lost(file: Path) -> None:
    if not file.exists() and erasure.was_anybody_erased():
        raise SettingsError(f"ERASED_FILE, {file}, is lost: put it back, or an empty file if there is no copy.")


def forget_events(settings: Settings, progress: Progress, goes_on: GoesOn, *, now: datetime) -> list[tuple[str, int]]:
    """Forget what is due of each event, while it `goes_on`. Returns (slug, registrations deleted) of those that are
    forgotten whole."""
    due = privacy.due(now=now)
    db.session.rollback()
    forgotten = []
    for one in due:
        if one.whole:
            gone = _forget_people(one, progress, goes_on)
            forgotten.append((one.slug, gone))
        elif one.new:
            _forget_fields(one, progress, goes_on)
        if progress.unfinished:
            return forgotten
    if forgotten:
        _empty_folders(settings)
    if forgotten or any(one.new for one in due):
        wipe()
    for one in due:
        with writing():
            privacy.note(one, now=now)
        progress.last_rows.pop(one, None)
    return forgotten


def wipe() -> None:
    """Wipe what was deleted from the disk. Raises NotWiped."""
    if not wipe_free_space():
        raise NotWiped
    with writing():
        erasure.note_wiped()


def _is_to_be_wiped(now: datetime) -> bool:
    since = erasure.unwiped_since()
    db.session.rollback()
    return since is not None and now >= since + WIPE_AFTER_ERASING


def _forget_people(due: Due, progress: Progress, goes_on: GoesOn) -> int:
    gone = 0
    while True:
        with writing():
            number = privacy.forget_people(due.event_id)
        gone += number
        if number < privacy.ROWS_AT_ONCE:
            break
        if not goes_on():
            progress.unfinished = True
            return gone
    with writing():
        privacy.forget_words(due.event_id)
    return gone


def _forget_fields(due: Due, progress: Progress, goes_on: GoesOn) -> None:
    last = progress.last_rows.get(due, 0)
    while True:
        with writing():
            found = privacy.forget_fields(due.event_id, due.new, after=last)
        if found is None:
            return
        progress.last_rows[due] = last = found
        if not goes_on():
            progress.unfinished = True
            return


def _after_a_pause() -> bool:
    time.sleep(PAUSE)
    return True


def _empty_folders(settings: Settings) -> None:
    """Remove the mail of a development machine, which knows no events, and what killed exports left."""
    for mail in mail_folder(settings).glob("*.eml"):
        mail.unlink(missing_ok=True)
    private_folders.remove_left(settings.instance_path)
