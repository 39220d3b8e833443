"""Looking at an announcement before anybody gets it: as somebody who does not exist, as a participant, by mail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response, abort, current_app, flash, redirect, render_template, request, url_for
from flask_babel import force_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from config import Settings
from registration import clock
from registration.domain import announcements as rules
from registration.domain import attendees
from registration.domain.access import Action, may
from registration.domain.accounts import address_of
from registration.domain.announcement_content import group_of
from registration.domain.groups import newest
from registration.domain.personal import open_personal
from registration.domain.programme import open_sessions
from registration.domain.stand_ins import instead_of, invented
from registration.extensions import db
from registration.mail.letter import Letter
from registration.mail.letters import letter_for
from registration.mail.posting import Unreachable
from registration.mail.trial import send_trial
from registration.models import Announcement, Delivery, Event, Registration
from registration.models.delivery import DeliveryKind
from registration.web.access import for_event
from registration.web.display import LANGUAGES
from registration.web.mail_frame import framed, framing
from registration.web.organizer import masks
from registration.web.organizer.announcement_forms import PreviewForm
from registration.web.organizer.announcements import ONE
from registration.web.organizer.desk import blueprint, sends_trial
from registration.web.organizer.events import organizer

PEOPLE = 20
"""How many of the group the menu names, the newest first; by the address any participant of the event will do."""
DISCREET = "discreet"


@blueprint.get(f"{ONE}preview/")
@for_event(Action.EDIT_MAIL)
def preview_announcement(event: Event, number: int) -> Response:
    """Show an announcement as somebody will read it."""
    found, now = rules.called(event, number), clock.now()
    letter = _letter(found, _reader(event, now), now)
    settings: Settings = current_app.config["PLENARY"]
    page = render_template(
        "organizer/announcement_preview.html",
        event=event,
        announcement=found,
        letter=letter,
        sender=settings.mail_default_sender,
        form=_form(event, found),
        asked=_asked(event),
        organizers_address=address_of(organizer()),
    )
    return framing(page)


@blueprint.get(f"{ONE}preview/body.html")
@for_event(Action.EDIT_MAIL)
def preview_body(event: Event, number: int) -> Response:
    """Answer its HTML, shut in."""
    found, now = rules.called(event, number), clock.now()
    return framed(_letter(found, _reader(event, now), now).html)


@blueprint.post(f"{ONE}test")
@sends_trial
@for_event(Action.EDIT_MAIL)
def try_announcement(event: Event, number: int) -> AnyResponse:
    """Send the organizer who asks what an invented participant would get."""
    found, now = rules.called(event, number), clock.now()
    letter = _letter(found, _invented(event, now), now)
    back = url_for("organizer.preview_announcement", event_slug=event.slug, number=number, **_asked(event))
    address = address_of(organizer())
    db.session.rollback()  # No transaction stays open while we speak to the mail server.
    flash(*_tried(letter, address, now))
    return redirect(back, 303)


def _tried(letter: Letter, address: str, now: datetime) -> tuple[str, str]:
    """Send a letter on trial; answers the sentence that says what came of it, and its kind."""
    try:
        outcome = send_trial(letter, address, now=now)
    except Unreachable:
        return _("The mail server cannot be reached now; try again in a minute."), "error"
    if not outcome.sent:
        return _("The mail server did not take it (%(code)s).", code=outcome.code or "–"), "error"
    return _("A test is on its way to you."), "message"


def _letter(announcement: Announcement, reader: Registration, now: datetime) -> Letter:
    """Return what would settle a delivery that is in no database."""
    owed = Delivery(kind=DeliveryKind.ANNOUNCEMENT, registration=reader, announcement=announcement)
    return letter_for([owed], now=now)


def _reader(event: Event, now: datetime) -> Registration:
    """Return who stands in for whom the address asks for. Raises NotFound."""
    person = _person()
    if person in ("", DISCREET):
        return _invented(event, now)
    if not may(organizer(), Action.SEE_LIST, event):
        abort(403)
    return instead_of(attendees.called(event, person), now=now)


def _invented(event: Event, now: datetime) -> Registration:
    language = _language(event)
    with force_locale(language):
        made = invented(
            event,
            language=language,
            category=event.categories[0],
            sessions=open_sessions(event),
            zone=event.zone,
            now=now,
        )
    made.discreet = _person() == DISCREET
    return made


def _form(event: Event, announcement: Announcement) -> PreviewForm:
    form = PreviewForm(formdata=None, person=_person(), language=_language(event))
    people = _named(event, announcement)
    if _person() not in {"", DISCREET, *(one.public_id for one in people)}:
        people.append(attendees.called(event, _person()))
    form.person.choices = [
        ("", _("An invented participant")),
        (DISCREET, _("An invented participant in discreet mode")),
        *((one.public_id, open_personal(one).name) for one in people),
    ]
    return form


def _named(event: Event, announcement: Announcement) -> list[Registration]:
    """Return whom the menu names: nobody at risk to who may not unmask them, for the group may be of one category."""
    if not may(organizer(), Action.SEE_LIST, event):
        return []
    unmasked = masks.unmasked(event)
    people = newest(event, group_of(announcement), PEOPLE)
    return [one for one in people if unmasked or not one.category.at_risk]


def _asked(event: Event) -> dict[str, Any]:
    """Return what the address of the same preview says."""
    return {"person": _person(), "language": _language(event)}


def _person() -> str:
    return request.values.get("person", "")


def _language(event: Event) -> str:
    asked = request.values.get("language", "")
    return asked if asked in LANGUAGES else event.default_language
