"""What is looked at when a process starts, before it does anything."""

from __future__ import annotations

import logging

from flask import Flask, current_app

from config import SettingsError
from registration.domain import key_checks
from registration.extensions import DATABASE_AWAY, db, writing

logger = logging.getLogger("plenary.starting")
UNCHECKED = "keys-unchecked"


def check_keys(app: Flask) -> None:
    """See whether the keys of the settings are those that the database was written with; note new ones.

    Raises SettingsError, whose sentence says what to do, if they are not. While the database is away nothing can be
    said: the process starts, and `recheck_keys` looks again before it does anything.
    """
    with app.app_context():
        try:
            _check()
        except DATABASE_AWAY as error:
            app.extensions[UNCHECKED] = True
            logger.warning("the database is away: the keys are checked when it is back (%s)", type(error).__name__)


def recheck_keys() -> None:
    """Check the keys now if that could not be done at the start; outside any unit of work.

    Raises SettingsError as `check_keys` does, and the database's error while that is away.
    """
    if current_app.extensions.get(UNCHECKED):
        try:
            _check()
        except SettingsError as error:
            logger.critical("%s", error)
            raise
        current_app.extensions[UNCHECKED] = False


def _check() -> None:
    settled = key_checks.is_settled()
    db.session.rollback()
    if not settled:
        with writing():
            key_checks.settle()
