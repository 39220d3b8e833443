"""What organizers do about one person's mails: send one again, write again to an address that was stopped."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from registration import clock
from registration.domain import attendees, mail_status, stopped
from registration.domain.access import Action
from registration.domain.masks import tells_of_category
from registration.errors import NotFound, Refusal
from registration.extensions import db, writing
from registration.models import Delivery, Event, Registration
from registration.web.access import for_event
from registration.web.organizer import masks
from registration.web.organizer.desk import blueprint


@blueprint.post("/events/<slug:event_slug>/attendees/<key:public_id>/mails/<int:delivery_id>/again")
@for_event(Action.SEND_AGAIN)
def send_mail_again(event: Event, public_id: str, delivery_id: int) -> Response:
    """Send one mail of this person again."""
    try:
        with writing():
            person = attendees.called(event, public_id)
            _refuse_hidden(event, person, delivery_id)
            mail_status.send_again(person, delivery_id, now=clock.now())
    except NotFound:
        raise
    except Refusal as refusal:
        flash(str(refusal), "error")
    else:
        flash(_("The mail is sent again."))
    return _back_to(event, public_id)


@blueprint.post("/events/<slug:event_slug>/attendees/<key:public_id>/write-again")
@for_event(Action.SEND_AGAIN)
def write_again(event: Event, public_id: str) -> Response:
    """Let mail go to this person's address again."""
    with writing():
        stopped.write_again(attendees.called(event, public_id))
    flash(_("This address is written to again. What was not sent meanwhile is not sent by itself."))
    return _back_to(event, public_id)


def _refuse_hidden(event: Event, person: Registration, delivery_id: int) -> None:
    """Raise NotFound for a mail that the page does not show, as it would tell the category of somebody at risk."""
    found = db.session.get(Delivery, delivery_id)
    if person.category.at_risk and not masks.unmasked(event) and found and tells_of_category(event, found):
        raise NotFound(mail_status.NO_SUCH_MAIL)


def _back_to(event: Event, public_id: str) -> Response:
    return redirect(url_for("organizer.attendee", event_slug=event.slug, public_id=public_id), 303)
