"""The only reader of the wall clock. The edges (a request, a command, the worker) read it once and pass `now` on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytz
from flask import Flask, current_app

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the machine's time as an aware datetime in UTC."""
    return datetime.now(pytz.utc)


def set_clock(app: Flask, clock: Clock) -> None:
    """Let `app` tell the time by `clock`."""
    app.extensions["clock"] = clock


def now() -> datetime:
    """Return the application's time: aware, in UTC."""
    moment: datetime = current_app.extensions["clock"]()
    return moment
