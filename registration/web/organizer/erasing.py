"""Erasing one person at the desk: an owner's action, after a page that says what will happen."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from registration import clock, security_log
from registration.domain import attendees, erasure
from registration.domain.access import Action
from registration.domain.personal import open_personal
from registration.extensions import limiter, writing
from registration.models import Event
from registration.web.access import for_event
from registration.web.organizer.desk import asks_for_password, blueprint, who_tries
from registration.web.organizer.events import organizer
from registration.web.organizer.forms import EraseForm

ONE = "/events/<slug:event_slug>/attendees/<key:public_id>/erase"
Answer = tuple[str, int] | Response

erases = limiter.shared_limit("20 per hour", scope="erase", methods=["POST"], key_func=who_tries)
"""So many people may one account erase: nobody wipes a list with somebody else's session."""


@blueprint.get(ONE)
@for_event(Action.ERASE)
def erase_page(event: Event, public_id: str) -> Answer:
    """Say what erasing means, and ask once."""
    return _page(event, public_id, EraseForm(formdata=None))


@blueprint.post(ONE)
@erases
@asks_for_password
@for_event(Action.ERASE)
def erase(event: Event, public_id: str) -> Answer:
    """Erase this person at once; the farewell mail tells them."""
    form = EraseForm()
    if not form.validate():
        return _page(event, public_id, form)
    with writing():
        erasure.erase(attendees.called(event, public_id), by_link=False, now=clock.now())
    security_log.done("erased", account=organizer().public_id, event=event.slug)
    flash(_("This person is erased: in no list any more, and gone when the last mail to them has left."))
    return redirect(url_for("organizer.attendees", event_slug=event.slug), 303)


def _page(event: Event, public_id: str, form: EraseForm) -> Answer:
    registration = attendees.called(event, public_id)
    html = render_template(
        "organizer/erase.html", event=event, registration=registration, personal=open_personal(registration), form=form
    )
    return html, 422 if form.errors else 200
