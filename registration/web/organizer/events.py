"""The events of an organizer, and each in numbers."""

from __future__ import annotations

from flask import render_template

from registration import clock
from registration.domain import exports, queue_health, stopped, unmasking
from registration.domain.access import Action, events_of, may
from registration.domain.figures import figures, totals
from registration.models import Event, Organizer
from registration.timetext import span_text
from registration.web.access import current_organizer, for_event
from registration.web.display import page_language
from registration.web.organizer import masks
from registration.web.organizer.desk import blueprint


@blueprint.get("/")
def home() -> str:
    """List the events on which the organizer has a role."""
    events = events_of(organizer())
    listed = [event for event in events if may(organizer(), Action.SEE_LIST, event)]
    numbers = totals(events, exactly={event.id for event in listed})
    return render_template("organizer/home.html", events=events, totals=numbers, stopped=stopped.counts(listed))


@blueprint.get("/events/<slug:event_slug>/")
@for_event(Action.SEE_NUMBERS)
def event(event: Event) -> str:
    """Show an event in numbers, where its pages are, and the book of exports."""
    shows_book = may(organizer(), Action.SEE_BOOK, event)
    now = clock.now()
    mails = queue_health.of_event(event, now=now)
    return render_template(
        "organizer/event.html",
        event=event,
        figures=figures(event, unmasked=masks.unmasked(event), exactly=may(organizer(), Action.SEE_LIST, event)),
        mails=mails,
        mails_age=span_text(now - mails.oldest_due_at, page_language()) if mails.oldest_due_at else None,
        book=exports.book(event) if shows_book else None,
        looks=unmasking.book(event) if shows_book else (),
        unmasked=masks.unmasked(event),
    )


def organizer() -> Organizer:
    """Return the organizer who asks; the desk is closed to others."""
    found = current_organizer()
    if found is None:
        raise LookupError("nobody is signed in at the desk")
    return found
