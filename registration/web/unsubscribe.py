"""The link that ends reminders and announcements, at the end of each and in its List-Unsubscribe (RFC 2369, RFC 8058).

Mail programs follow it for people, by one POST: it takes no cookie and no token, and is answered without a redirect.
Mail scanners open links, so opening it changes nothing.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from registration import clock
from registration.domain import participation
from registration.domain.calendar_entries import discreet_title
from registration.domain.link_keys import LinkKind, registration_of
from registration.domain.personal import open_personal
from registration.domain.signup import is_discreet
from registration.extensions import writing
from registration.models import Registration
from registration.web.display import text, use_language

blueprint = Blueprint("unsubscribe", __name__)


@blueprint.get("/unsubscribe/<key:key>/")
def page(key: str) -> str:
    """Show how it stands, with a button that changes it."""
    registration = _whose(key)
    return render_template("unsubscribe/page.html", registration=registration, title=_title(registration), key=key)


@blueprint.post("/unsubscribe/<key:key>/")
def stop(key: str) -> str:
    """Stop reminders and announcements to whoever has this link."""
    with writing():
        participation.switch_reminders(_whose(key), on=False, now=clock.now())
    return page(key)


@blueprint.post("/unsubscribe/<key:key>/undo/")
def undo(key: str) -> Response:
    """Send them again from now on."""
    with writing():
        participation.switch_reminders(_whose(key), on=True, now=clock.now())
    return redirect(url_for("unsubscribe.page", key=key), 303)


def _whose(key: str) -> Registration:
    """Return whose link this is, and speak their language. Raises NotFound."""
    registration = registration_of(key, LinkKind.UNSUBSCRIBE)
    use_language(registration.language)
    return registration


def _title(registration: Registration) -> str:
    """Return what the page calls the event: nothing that tells of it where others may look on."""
    if is_discreet(registration):
        return discreet_title(open_personal(registration))
    return text(registration.event.title)
