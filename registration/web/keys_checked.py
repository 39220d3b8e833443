"""No page is made with keys that nobody has checked: where the database was away at the start, they are checked now."""

from __future__ import annotations

from flask import Flask, render_template, request
from flask_babel import gettext as _

from config import SettingsError
from registration.starting import recheck_keys

NEED_NO_KEY = {"static", "health.alive"}


def init_app(app: Flask) -> None:
    """Look before every request of `app`; wrong keys give 503, and the log says what to do."""
    app.before_request(_check_keys)


def _check_keys() -> tuple[str, int] | None:
    if request.endpoint in NEED_NO_KEY:
        return None
    try:
        recheck_keys()
    except SettingsError:
        sentence = _("Nothing was kept of this; please try again in a minute.")
        return render_template("error.html", title=_("Something went wrong"), sentence=sentence), 503
    return None
