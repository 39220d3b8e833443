"""The blueprint of the organizer's desk, and the guard before all of it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from registration.extensions import limiter, reader_network
from registration.web import devices, limits
from registration.web.access import current_organizer, lacks_factor, to_sign_in

blueprint = Blueprint("organizer", __name__, url_prefix="/organizer")

OPEN_TO_ALL = frozenset({"organizer.sign_in", "organizer.password", "organizer.set_password"})
"""Whatever is not named here needs an account, also a page that somebody adds and forgets to guard."""


def who_tries() -> str:
    """Return by whom passwords are counted: at the desk the account; at its door a device that has signed in before to
    the account that is typed, else the network. So strangers slow themselves, and nobody is locked out."""
    account = None if request.endpoint in OPEN_TO_ALL else _account()
    device = devices.known_as(request.form.get("address", ""))
    return account or (f"device/{device}" if device else f"network/{reader_network()}")


asks_for_password = limiter.shared_limit(limits.PASSWORDS, scope="password", methods=["POST"], key_func=who_tries)
"""Slows whoever tries passwords, before any is looked at."""

sends_trial = limiter.shared_limit(
    "10 per hour", scope="trial", methods=["POST"], key_func=lambda: _account() or reader_network()
)
"""So many test mails may somebody send to themselves; each waits for the mail server."""


def _account() -> str | None:
    organizer = current_organizer()
    return f"account/{organizer.public_id}" if organizer else None


@blueprint.before_request
def _signed_in() -> Response | None:
    if request.endpoint in OPEN_TO_ALL:
        return None
    if lacks_factor():
        flash(_("This service asks every account for a second factor; set it up to go on."))
        return redirect(url_for("organizer.second_factor"), 303)
    return to_sign_in() if current_organizer() is None else None
