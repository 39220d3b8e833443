"""Erasing one person at the desk: an owner's action, after a page that says what will happen."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from registration import clock
from registration.domain import attendees, erasure
from registration.domain.access import Action
from registration.domain.personal import open_personal
from registration.extensions import writing
from registration.models import Event
from registration.web.access import for_event
from registration.web.organizer.desk import blueprint


@blueprint.get("/events/<slug:event_slug>/attendees/<key:public_id>/erase")
@for_event(Action.ERASE)
def erase_page(event: Event, public_id: str) -> str:
    """Say what erasing means, and ask once."""
    registration = attendees.called(event, public_id)
    return render_template(
        "organizer/erase.html", event=event, registration=registration, personal=open_personal(registration)
    )


@blueprint.post("/events/<slug:event_slug>/attendees/<key:public_id>/erase")
@for_event(Action.ERASE)
def erase(event: Event, public_id: str) -> Response:
    """Erase this person at once; the farewell mail tells them."""
    with writing():
        erasure.erase(attendees.called(event, public_id), now=clock.now())
    flash(_("This person is erased: in no list any more, and gone when the last mail to them has left."))
    return redirect(url_for("organizer.attendees", event_slug=event.slug), 303)
