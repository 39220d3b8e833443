"""Erasing people in tests: the file of their ids, and what the files on the disk still hold."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from flask import Flask, current_app

from config import Settings
from registration import forgetting
from registration.domain import erased_ids
from registration.extensions import db
from registration.models import Registration


def ids_in_file(app: Flask) -> set[str]:
    """The ids of those who were erased."""
    settings: Settings = app.config["PLENARY"]
    return erased_ids.read(settings.erased_file)


def public_ids(app: Flask) -> set[str]:
    """The ids of all who are in the database, also of those who are leaving it."""
    with app.app_context():
        return {public_id for (public_id,) in db.session.query(Registration.public_id)}


def octets_of(database_url: str, *folders: Path) -> bytes:
    """All that a SQLite database's files and these folders hold."""
    files = list(Path(database_url.removeprefix("sqlite:///")).parent.glob("plenary.sqlite*"))
    for folder in folders:
        files += [one for one in folder.rglob("*") if one.is_file()]
    return b"".join(file.read_bytes() for file in files)


def forget_due(now: datetime) -> list[tuple[str, int]]:
    """Forget what is due of all events, to its end; in the application's context."""
    return forgetting.forget_events(current_app.config["PLENARY"], forgetting.Progress(), lambda: True, now=now)
