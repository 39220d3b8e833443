"""Forgetting, carried out: short units of work one after another, then whatever lies beside the database.

What is noted as gone is wiped from the disk too: broken off anywhere, it goes on the next time.
"""

from __future__ import annotations

from datetime import datetime

from flask import Flask

from config import Settings
from registration.domain import erased_ids, erasure, privacy, private_folders
from registration.domain.privacy import Due
from registration.extensions import db, wipe_free_space, writing
from registration.mail.posting import mail_folder

REPLAYED = "plenary.erased_ids"
"""Whether this process has read the file of erased ids."""


class NotWiped(Exception):
    """Somebody who reads or writes kept the database from being wiped; what was deleted may still be on the disk."""


def forget_all(settings: Settings, *, now: datetime) -> list[tuple[str, int]]:
    """Forget all that is to be forgotten by now, and wipe the database in any case.

    Returns (event slug, registrations deleted) of the events whose time is over. Raises NotWiped, and OSError where
    the file of erased ids takes nothing down.
    """
    wipe()
    erase_again(settings)
    forgotten = forget_events(settings, now=now)
    erase_leaving(settings, now=now)
    return forgotten


def go_on(app: Flask, *, now: datetime, wipe_first: bool) -> None:
    """Do what a worker does in each sweep; in its first one, forget who has come back with a backup. Raises as
    `forget_all` does."""
    settings: Settings = app.config["PLENARY"]
    if wipe_first:
        wipe()
    if not app.extensions.get(REPLAYED):
        erase_again(settings)
        app.extensions[REPLAYED] = True
    forget_events(settings, now=now)
    erase_leaving(settings, now=now)


def erase_again(settings: Settings) -> int:
    """Delete those in the file of erased ids who are in the database again. Returns how many.

    Wipes the disk wherever anybody was ever erased: a process may have been killed before it came to that.
    """
    erased = erased_ids.read(settings.erased_file)
    back = erasure.come_back(erased)
    db.session.rollback()
    for first in range(0, len(back), erasure.ROWS_AT_ONCE):
        with writing():
            erasure.erase_again(back[first:][: erasure.ROWS_AT_ONCE])
    if erased:
        wipe()
    return len(back)


def erase_leaving(settings: Settings, *, now: datetime) -> int:
    """Write down the ids of those who have asked to be erased, and delete whose farewell mail is settled."""
    public_ids = erasure.leaving()
    db.session.rollback()
    if not public_ids:
        return 0
    erased_ids.note(settings.erased_file, public_ids)
    with writing():
        gone = erasure.finish(public_ids, now=now)
    if gone:
        wipe()
    return gone


def forget_events(settings: Settings, *, now: datetime) -> list[tuple[str, int]]:
    """Forget what is due of each event. Returns (slug, registrations deleted) of those that are forgotten whole."""
    due = privacy.due(now=now)
    db.session.rollback()
    forgotten = [(one.slug, _forget_whole(one.event_id)) for one in due if one.whole]
    for one in due:
        if one.new:
            _forget_fields(one)
    if forgotten:
        _empty_folders(settings)
    if forgotten or any(one.new for one in due):
        wipe()
    for one in due:
        with writing():
            privacy.note(one, now=now)
    return forgotten


def wipe() -> None:
    """Wipe what was deleted from the disk. Raises NotWiped."""
    if not wipe_free_space():
        raise NotWiped


def _forget_whole(event_id: int) -> int:
    gone = 0
    while True:
        with writing():
            number = privacy.forget_people(event_id)
        gone += number
        if not number:
            break
    with writing():
        privacy.forget_words(event_id)
    return gone


def _forget_fields(due: Due) -> None:
    last: int | None = 0
    while last is not None:
        with writing():
            last = privacy.forget_fields(due.event_id, due.new, after=last)


def _empty_folders(settings: Settings) -> None:
    """Remove the mail of a development machine, which knows no events, and what killed exports left."""
    for mail in mail_folder(settings).glob("*.eml"):
        mail.unlink(missing_ok=True)
    private_folders.remove_left(settings.instance_path)
