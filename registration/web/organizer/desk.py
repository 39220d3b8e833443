"""The blueprint of the organizer's desk, and the guard before all of it."""

from __future__ import annotations

from flask import Blueprint, request
from flask_limiter.util import get_remote_address
from werkzeug.wrappers import Response

from registration.extensions import limiter
from registration.web.access import current_organizer, to_sign_in

blueprint = Blueprint("organizer", __name__, url_prefix="/organizer")

OPEN_TO_ALL = frozenset({"organizer.sign_in", "organizer.password", "organizer.set_password"})
"""Whatever is not named here needs an account, also a page that somebody adds and forgets to guard."""

asks_for_password = limiter.shared_limit("10 per minute; 100 per hour", scope="password", methods=["POST"])
"""Slows whoever tries passwords from one network, and locks no account."""

sends_trial = limiter.shared_limit(
    "10 per hour", scope="trial", methods=["POST"], key_func=lambda: _account() or get_remote_address()
)
"""So many test mails may somebody send to themselves; each waits for the mail server."""


def _account() -> str | None:
    organizer = current_organizer()
    return organizer.public_id if organizer else None


@blueprint.before_request
def _signed_in() -> Response | None:
    if request.endpoint in OPEN_TO_ALL or current_organizer() is not None:
        return None
    return to_sign_in()
