"""The sessions of an event: editing one, seeing beforehand who is told what, and afterwards who holds something old."""

from __future__ import annotations

from datetime import datetime

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from registration import clock
from registration.domain import holdings, notices, session_edits
from registration.domain.access import Action, may
from registration.domain.holdings import ToTell
from registration.domain.programme import session_called
from registration.errors import Refusal
from registration.extensions import writing
from registration.models import Event, EventSession
from registration.web.access import for_event
from registration.web.organizer.desk import blueprint
from registration.web.organizer.events import organizer
from registration.web.organizer.session_forms import SessionForm, edited_rows, form_of
from registration.web.organizer.session_words import held_rows, state_of, told_when

Answer = tuple[str, int] | Response
NOW, LATER = "now", "later"
"""When participants are told: what the button says."""


@blueprint.get("/events/<slug:event_slug>/sessions/")
@for_event(Action.SEE_NUMBERS)
def sessions(event: Event) -> str:
    """List the sessions, each in numbers."""
    now = clock.now()
    lines = holdings.lines(event, now=now)
    return render_template("organizer/sessions.html", event=event, lines=lines, state_of=state_of, now=now)


@blueprint.get("/events/<slug:event_slug>/sessions/<slug:session_slug>/")
@for_event(Action.SEE_NUMBERS)
def session(event: Event, session_slug: str) -> Answer:
    """Show what participants hold of a session, and to those who may edit it the form."""
    found = session_called(event, session_slug)
    return _page(found, form_of(found, submitted=False))


@blueprint.post("/events/<slug:event_slug>/sessions/<slug:session_slug>/review")
@for_event(Action.EDIT_SESSIONS)
def review_session(event: Event, session_slug: str) -> Answer:
    """Show what an edit changes, and who would be told what and when; or, on the way back, the form as it was typed."""
    found = session_called(event, session_slug)
    form = form_of(found, submitted=True)
    if "back" in request.form:
        return _page(found, form)
    to_tell = _preview(found, form)
    return _page(found, form) if to_tell is None else _review_page(found, form, to_tell)


@blueprint.post("/events/<slug:event_slug>/sessions/<slug:session_slug>/")
@for_event(Action.EDIT_SESSIONS)
def edit_session(event: Event, session_slug: str) -> Answer:
    """Make the edit."""
    tell = request.form.get("tell")
    if tell not in (NOW, LATER):
        abort(400)
    found = session_called(event, session_slug)
    form = form_of(found, submitted=True)
    if _is_good(found, form) and _edited(found, form, tell_now=tell == NOW):
        return redirect(_address(found), 303)
    return _page(found, form)


@blueprint.post("/events/<slug:event_slug>/sessions/<slug:session_slug>/tell-now")
@for_event(Action.EDIT_SESSIONS)
def tell_now(event: Event, session_slug: str) -> Response:
    """Tell at once what would be told a little later."""
    found = session_called(event, session_slug)
    with writing():
        now = clock.now()
        notices.send_now(found, now=now)
        told = holdings.to_tell(found, now=now)
    flash(told_when(told, event.zone, now) if told.at else _("Nothing is left to tell."))
    return redirect(_address(found), 303)


@blueprint.post("/events/<slug:event_slug>/sessions/<slug:session_slug>/send-again")
@for_event(Action.EDIT_SESSIONS)
def send_again(event: Event, session_slug: str) -> Response:
    """Owe a new mail to all who hold something old and for whom none waits, and try the others now."""
    found = session_called(event, session_slug)
    with writing():
        now = clock.now()
        people = holdings.count_behind(found) if holdings.is_told_of(found, now=now) else 0
        if people:
            notices.send_again(found, now=now)
    if people:
        flash(ngettext("%(num)s mail is sent again.", "%(num)s mails are sent again.", people))
    else:
        flash(_("Nothing is left to tell."))
    return redirect(_address(found), 303)


def _preview(session: EventSession, form: SessionForm) -> ToTell | None:
    """Return what would be told of what was typed. None where it has faults, which then stand in the form."""
    if not _is_good(session, form):
        return None
    try:
        return session_edits.preview(session, form.values(), seen_revision=form.seen_revision, now=clock.now())
    except Refusal as refusal:
        form.refuse(session, refusal)
        return None


def _edited(session: EventSession, form: SessionForm, *, tell_now: bool) -> bool:
    """Make the edit and say what comes of it. False where it has faults, which then stand in the form."""
    try:
        with writing():
            now = clock.now()
            changed = session_edits.edit(session, form.values(), seen_revision=form.seen_revision, now=now)
            if tell_now:
                notices.send_now(session, now=now)
            told = holdings.to_tell(session, now=now)
    except Refusal as refusal:
        form.refuse(session, refusal)
        return False
    flash(_saved(session.event, told, now) if changed else _("Nothing was changed: it stands so already."))
    return True


def _is_good(session: EventSession, form: SessionForm) -> bool:
    """Whether what was typed has no faults; those it has stand in the form."""
    if form.validate():
        for refusal in session_edits.faults(session, form.values()):
            form.refuse(session, refusal)
    return not form.errors


def _saved(event: Event, told: ToTell, now: datetime) -> str:
    who = told_when(told, event.zone, now) if told.at else _("Nobody has to be told.")
    return " ".join((_("Saved."), who))


def _page(session: EventSession, form: SessionForm) -> Answer:
    """Draw a session's page; 422 where something that was typed has a fault."""
    event, now = session.event, clock.now()
    held = holdings.holdings(session)
    names_people = held.behind and may(organizer(), Action.SEE_LIST, event)
    html = render_template(
        "organizer/session.html",
        event=event,
        session=session,
        state=state_of(session),
        form=form,
        held=held,
        rows=held_rows(session, held),
        page=holdings.page(session, _page_number(), total=held.not_up_to_date) if names_people else None,
        to_tell=holdings.to_tell(session, now=now),
        is_told_of=holdings.is_told_of(session, now=now),
        now=now,
    )
    return html, 422 if form.errors else 200


def _review_page(session: EventSession, form: SessionForm, to_tell: ToTell) -> Answer:
    wanted, now = form.values(), clock.now()
    html = render_template(
        "organizer/session_review.html",
        event=session.event,
        session=session,
        form=form,
        rows=edited_rows(session, wanted),
        starts_in_past=session_edits.starts_in_past(session, wanted, now=now),
        to_tell=to_tell,
        now=now,
    )
    return html, 200


def _page_number() -> int:
    asked = request.args.get("page", "1")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 8 else 1


def _address(session: EventSession) -> str:
    return url_for("organizer.session", event_slug=session.event.slug, session_slug=session.slug)
