"""Announcements: writing one, seeing who would get it, sending it, and taking it back within a minute."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta

from flask import flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from registration import clock
from registration.domain import announcement_mails, mail_troubles
from registration.domain import announcements as rules
from registration.domain.access import Action, may
from registration.domain.announcement_content import Content, content_of, faults, group_of
from registration.domain.masks import refuse_blind_change
from registration.errors import NotFound, Refusal
from registration.extensions import writing
from registration.models import Announcement, Event
from registration.web.access import for_event
from registration.web.organizer import masks
from registration.web.organizer.announcement_forms import NEW, AnnouncementForm, form_of, standing
from registration.web.organizer.announcement_words import group_lines, mail_lines, stage_text, until_text
from registration.web.organizer.desk import blueprint
from registration.web.organizer.events import organizer
from registration.web.organizer.mail_troubles import trouble_list

Answer = tuple[str, int] | Response
ALL = "/events/<slug:event_slug>/announcements/"
ONE = f"{ALL}<int(max=2147483647):number>/"
NONE = timedelta()
RELOADED = timedelta(seconds=20)
"""How often the page of what is about to leave loads itself again: seldom enough to reach its button."""


@blueprint.get(ALL)
@for_event(Action.SEE_NUMBERS)
def announcements(event: Event) -> str:
    """List an event's announcements, each with where it stands."""
    now, found = clock.now(), rules.all_of(event)
    return render_template(
        "organizer/announcements.html",
        event=event,
        announcements=found,
        progress=announcement_mails.progress(found, now=now),
        whom={one.id: group_lines(event, group_of(one), unmasked=masks.unmasked(event)) for one in found},
        counted={one.id for one in found if masks.sees_counts(event, one.categories)},
        stage_text=stage_text,
        mail_lines=mail_lines,
        now=now,
    )


@blueprint.get(f"{ALL}new")
@for_event(Action.EDIT_MAIL)
def new_announcement(event: Event) -> Answer:
    """Show an empty form."""
    return _form_page(event, None, form_of(event, NEW, unmasked=masks.unmasked(event), submitted=False))


@blueprint.post(ALL)
@for_event(Action.EDIT_MAIL)
def write_announcement(event: Event) -> Answer:
    """Keep a new draft."""
    form = form_of(event, NEW, unmasked=masks.unmasked(event), submitted=True)
    content = _good_content(event, form, NEW)
    if content is None:
        return _form_page(event, None, form)
    by = organizer().id
    try:
        with writing():
            number = rules.draft(event, content, by=by, now=clock.now()).id
    except Refusal as refusal:
        form.refuse(refusal)
        return _form_page(event, None, form)
    return _saved(event, number)


@blueprint.get(ONE)
@for_event(Action.SEE_NUMBERS)
def announcement(event: Event, number: int) -> Answer:
    """Show an announcement: a draft's form to those who may write, to others and later where it stands."""
    found = rules.called(event, number)
    if found.send_at is None and may(organizer(), Action.EDIT_MAIL, event):
        return _form_page(event, found, _form(found, submitted=False))
    which = mail_troubles.of_announcement(found)
    troubles = trouble_list(event, which, found.categories, now=clock.now())
    response = make_response(_page("organizer/announcement.html", found, troubles=troubles))
    left = found.send_at - clock.now() if found.send_at else NONE
    if left > NONE and may(organizer(), Action.EDIT_MAIL, event):
        response.headers["Refresh"] = str(math.ceil(min(left, RELOADED).total_seconds()))
    return response


@blueprint.post(ONE)
@for_event(Action.EDIT_MAIL)
def save_announcement(event: Event, number: int) -> Answer:
    """Change a draft."""
    found = rules.called(event, number)
    form = _form(found, submitted=True)
    content = _good_content(event, form, content_of(found))
    if content is None:
        return _form_page(event, found, form)
    try:
        with writing():
            refuse_blind_change(event, group_of(found), content.group, unmasked=masks.unmasked(event))
            rules.save(found, content, seen=form.seen.data or "", now=clock.now())
    except NotFound:
        raise
    except Refusal as refusal:
        form.refuse(refusal)
        form.compare(_standing(found))
        return _form_page(event, found, form)
    return _saved(event, number)


@blueprint.post(f"{ONE}delete")
@for_event(Action.EDIT_MAIL)
def delete_announcement(event: Event, number: int) -> Response:
    """Delete a draft."""
    found = rules.called(event, number)
    if not _done(lambda: rules.delete_draft(found), _("The draft is deleted.")):
        return redirect(_address(event, number), 303)
    return redirect(url_for("organizer.announcements", event_slug=event.slug), 303)


@blueprint.post(f"{ONE}copy")
@for_event(Action.EDIT_MAIL)
def copy_announcement(event: Event, number: int) -> Response:
    """Begin a new draft with the same words for the same group."""
    found, by = rules.called(event, number), organizer().id
    with writing():
        copied = rules.copy(found, by=by, now=clock.now()).id
    return redirect(_address(event, copied), 303)


@blueprint.get(f"{ONE}send")
@for_event(Action.EDIT_MAIL)
def confirm_announcement(event: Event, number: int) -> Answer:
    """Say who would get it, and ask once more."""
    found = rules.called(event, number)
    if found.send_at is not None:
        return redirect(_address(event, number), 303)
    return _page("organizer/announcement_send.html", found), 200


@blueprint.post(f"{ONE}send")
@for_event(Action.EDIT_MAIL)
def send_announcement(event: Event, number: int) -> Response:
    """Let it leave, in a minute."""
    found, seen = rules.called(event, number), request.form.get("seen", "")
    _done(lambda: rules.send(found, seen=seen, now=clock.now()), _("This leaves in a minute; take it back until then."))
    return redirect(_address(event, number), 303)


@blueprint.post(f"{ONE}take-back")
@for_event(Action.EDIT_MAIL)
def take_back_announcement(event: Event, number: int) -> Response:
    """Make it a draft again."""
    found = rules.called(event, number)
    _done(lambda: rules.take_back(found, now=clock.now()), _("It is taken back: nobody has got anything of it."))
    return redirect(_address(event, number), 303)


def _done(act: Callable[[], None], sentence: str) -> bool:
    """Do it in a unit of work and say so, or say why not."""
    try:
        with writing():
            act()
    except Refusal as refusal:
        flash(str(refusal), "error")
        return False
    flash(sentence)
    return True


def _good_content(event: Event, form: AnnouncementForm, before: Content) -> Content | None:
    """Return what was typed in place of `before`. None where it has faults, which then stand in the form."""
    if not form.validate():
        return None
    content = form.content(event, before, unmasked=masks.unmasked(event))
    for refusal in faults(event, content):
        form.refuse(refusal)
    return None if form.errors else content


def _saved(event: Event, number: int) -> Response:
    """Go on from a draft that was saved: to its page, or to its preview if that was asked for."""
    flash(_("Saved as a draft."))
    if request.form.get("then") == "preview":
        return redirect(url_for("organizer.preview_announcement", event_slug=event.slug, number=number), 303)
    return redirect(_address(event, number), 303)


def _form(found: Announcement, *, submitted: bool) -> AnnouncementForm:
    content, seen = content_of(found), rules.mark(found)
    return form_of(found.event, content, seen=seen, unmasked=masks.unmasked(found.event), submitted=submitted)


def _standing(found: Announcement) -> dict[str, object]:
    unmasked = masks.unmasked(found.event)
    return standing(found.event, content_of(found), seen=rules.mark(found), unmasked=unmasked)


def _form_page(event: Event, found: Announcement | None, form: AnnouncementForm) -> Answer:
    """Draw the form; 422 where something that was typed has a fault."""
    status = 422 if form.errors else 200
    if found is None:
        html = render_template("organizer/announcement_form.html", event=event, announcement=None, form=form)
        return html, status
    return _page("organizer/announcement_form.html", found, form=form), status


def _page(template: str, found: Announcement, **values: object) -> str:
    event, now = found.event, clock.now()
    group = group_of(found)
    progress = announcement_mails.progress([found], now=now)[found.id]
    return render_template(
        template,
        event=event,
        announcement=found,
        progress=progress,
        stage=stage_text(found, progress, now=now),
        until=until_text(found),
        mails=mail_lines(progress),
        whom=group_lines(event, group, unmasked=masks.unmasked(event)),
        counted=masks.sees_counts(event, group.categories),
        audience=rules.audience(event, group),
        seen=rules.mark(found),
        **values,
    )


def _address(event: Event, number: int) -> str:
    return url_for("organizer.announcement", event_slug=event.slug, number=number)
