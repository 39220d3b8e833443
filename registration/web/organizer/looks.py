"""Looks at what is masked: asked for with a reason, written into the book and committed, then shown."""

from __future__ import annotations

from flask import flash, redirect
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from registration import clock, security_log
from registration.domain import unmasking
from registration.domain.access import Action
from registration.domain.attendees import called
from registration.errors import Refusal
from registration.extensions import writing
from registration.models import Event
from registration.models.unmasking import Sight
from registration.web.access import for_event
from registration.web.organizer import masks
from registration.web.organizer.attendees import Answer, list_page, one_page
from registration.web.organizer.desk import asks_for_password, blueprint
from registration.web.organizer.events import organizer
from registration.web.organizer.forms import LookForm
from registration.web.organizer.selection import read_selection

ONE = "/events/<slug:event_slug>/attendees/<key:public_id>/"


@blueprint.post("/events/<slug:event_slug>/attendees/unmask")
@asks_for_password
@for_event(Action.UNMASK)
def unmask_list(event: Event) -> Answer:
    """Name the categories at risk to this browser for a while."""
    form = LookForm()
    look = _written_down(event, form, Sight.LIST)
    if look is None:
        return list_page(event, look_form=form)
    masks.begin(look)
    return redirect(read_selection(event).address(category=None, page=None), 303)


@blueprint.post("/events/<slug:event_slug>/attendees/mask")
@for_event(Action.UNMASK)
def mask_list(event: Event) -> Response:
    """Mask them again before the time is over."""
    look = masks.end()
    if look:
        with writing():
            unmasking.end(look, organizer(), now=clock.now())
    flash(_("Categories at risk are masked again."))
    return redirect(read_selection(event).address(category=None, page=None), 303)


@blueprint.post(f"{ONE}category")
@asks_for_password
@for_event(Action.SEE_CATEGORY)
def show_category(event: Event, public_id: str) -> Answer:
    """Show one person's category at risk in this answer alone."""
    return _look(event, public_id, Sight.CATEGORY)


@blueprint.post(f"{ONE}vetting-name")
@asks_for_password
@for_event(Action.SEE_VETTING_NAME)
def show_vetting_name(event: Event, public_id: str) -> Answer:
    """Show one person's name for vetting in this answer alone."""
    return _look(event, public_id, Sight.VETTING_NAME)


def _look(event: Event, public_id: str, what: Sight) -> Answer:
    called(event, public_id)
    form = LookForm()
    look = _written_down(event, form, what, public_id)
    return one_page(event, public_id, look_form=form, seen=what if look else None)


def _written_down(event: Event, form: LookForm, what: Sight, person: str = "") -> str | None:
    """Write a look into the book. Returns the entry's public id; None where the form has faults, which stand in it."""
    if not form.validate():
        return None
    try:
        with writing():
            whom = called(event, person) if person else None
            look = unmasking.write_down(event, organizer(), what, form.why.data or "", person=whom, now=clock.now())
            public_id = look.public_id
    except Refusal as refusal:
        form.form_errors.append(str(refusal))
        return None
    security_log.done("looked", account=organizer().public_id, event=event.slug, what=what.value)
    return public_id
