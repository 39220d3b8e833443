"""What the guards decided, as lines of a log: when, what, whose account by its number, which page (ASVS 5.0, 16.3).

No line holds an address, a name, a key, a path or anything that was typed.
"""

from __future__ import annotations

import logging
from typing import TextIO, cast

from flask import Flask, Response, request
from flask.logging import wsgi_errors_stream

from registration import clock
from registration.web.access import current_account

logger = logging.getLogger("plenary.security")

REFUSED = {
    400: "refused: not readable, or without the form's token",
    403: "refused: not allowed",
    405: "refused: not this method",
    413: "refused: too large",
    429: "refused: too many tries",
}
"""Of any page."""
DONE = {
    ("organizer.sign_in", 303): "signed in by password",
    ("organizer.sign_in", 422): "not signed in",
    ("organizer.sign_out", 303): "signed out",
    ("organizer.change_password", 303): "password changed",
    ("organizer.change_password", 422): "password not changed",
    ("organizer.end_sessions", 303): "other sessions ended",
    ("organizer.end_sessions", 422): "other sessions not ended",
    ("organizer.take", 422): "no list taken",
}
"""Of a POST, by its page and answer. Lists that are taken stand in the book of exports."""


def init_app(app: Flask) -> None:
    """Write lines of INFO and above to the server's error log, whatever else is logged there."""
    logger.setLevel(logging.INFO)
    if not logger.handlers:
        logger.addHandler(logging.StreamHandler(cast(TextIO, wsgi_errors_stream)))
    app.after_request(_note)


def _note(response: Response) -> Response:
    endpoint = request.endpoint or "-"
    what = REFUSED.get(response.status_code)
    if request.method == "POST":
        what = DONE.get((endpoint, response.status_code), what)
    if endpoint.startswith("organizer.") and response.status_code == 404:
        what = "refused: not there, or nothing of this account's"
    if what:
        at = clock.now().isoformat(timespec="seconds")
        logger.info("%s %s: account=%s page=%s method=%s", at, what, _account(endpoint), endpoint, _method())
    return response


def _account(endpoint: str) -> str:
    """Return the number of the account that asks, of the desk's pages alone: no other may open the session."""
    number = current_account() if endpoint.startswith("organizer.") else None
    return str(number or "-")


def _method() -> str:
    """Return the method, unless it is one that somebody made up."""
    return request.method if request.method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "?"
