"""The attendee list: filters, search, pages, and decisions on one or many."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from registration import clock
from registration.databases import empty_log
from registration.domain import attendees as rules
from registration.domain import decisions, unmasking
from registration.domain.access import Action, may
from registration.domain.announcements import drafts
from registration.domain.decisions import POSSIBLE, Decision, Result, Seen
from registration.domain.mail_status import mails_of
from registration.domain.masks import tells_of_category
from registration.domain.personal import open_personal
from registration.domain.replies import replies_of
from registration.domain.stopped import stop_of
from registration.domain.vetting import vetting_name
from registration.errors import Refusal
from registration.extensions import writing
from registration.keys import PUBLIC_ID_LENGTH
from registration.models import Event, Invitation, Registration
from registration.models.invitation import Reply
from registration.models.unmasking import Sight
from registration.timetext import day_text
from registration.web.access import for_event
from registration.web.display import page_language, text
from registration.web.organizer import masks
from registration.web.organizer.desk import blueprint
from registration.web.organizer.events import organizer
from registration.web.organizer.forms import DecisionForm, LookForm, SearchForm
from registration.web.organizer.mail_words import mail_lines
from registration.web.organizer.selection import hidden_search, read_selection

Answer = tuple[str, int] | Response
CHOSEN = re.compile(rf"([A-Za-z0-9_-]{{{PUBLIC_ID_LENGTH}}}):([a-z_]+)")
"""What a box says: whom, and the state that was seen."""


@blueprint.get("/events/<slug:event_slug>/attendees/")
@for_event(Action.SEE_LIST)
def attendees(event: Event) -> Answer:
    """Show a page of the list."""
    return list_page(event)


@blueprint.post("/events/<slug:event_slug>/attendees/search")
@for_event(Action.SEE_LIST)
def search(event: Event) -> Answer:
    """Look for somebody; the words go into the next address sealed, so that no log and no history shows them."""
    form = SearchForm()
    if not form.validate():
        return list_page(event, search_form=form)
    selection = read_selection(event)
    return redirect(selection.address(find=hidden_search(form.search.data or ""), page=None), 303)


@blueprint.post("/events/<slug:event_slug>/attendees/decide")
@for_event(Action.DECIDE)
def decide(event: Event) -> Answer:
    """Approve or decline those whose boxes are ticked."""
    form = DecisionForm()
    chosen = request.form.getlist("chosen")
    if not _decided(event, form, chosen):
        return list_page(event, form=form, ticked=chosen)
    return redirect(read_selection(event).address(), 303)


@blueprint.get("/events/<slug:event_slug>/attendees/<key:public_id>/")
@for_event(Action.SEE_LIST)
def attendee(event: Event, public_id: str) -> Answer:
    """Show one registration."""
    return one_page(event, public_id)


@blueprint.post("/events/<slug:event_slug>/attendees/<key:public_id>/")
@for_event(Action.DECIDE)
def decide_one(event: Event, public_id: str) -> Answer:
    """Approve or decline one registration."""
    rules.called(event, public_id)
    form = DecisionForm()
    chosen = [one for one in request.form.getlist("chosen") if one.startswith(f"{public_id}:")]
    if not _decided(event, form, chosen):
        return one_page(event, public_id, form=form)
    return redirect(url_for("organizer.attendee", event_slug=event.slug, public_id=public_id), 303)


def _decided(event: Event, form: DecisionForm, chosen: list[str]) -> bool:
    """Do what the form asks and say what came of it. False where it has faults, which then stand in the form."""
    wanted = request.form.get("decision", "")
    if wanted not in set(Decision):
        abort(400)
    if not form.validate():
        return False
    seen = [Seen(*found.groups()) for one in chosen if (found := CHOSEN.fullmatch(one))]
    by = organizer().id
    try:
        with writing():
            result = decisions.decide(event.id, seen, Decision(wanted), form.reason.data or "", by=by, now=clock.now())
    except Refusal as refusal:
        _put_beside(form, refusal)
        return False
    if result.done:
        empty_log()
    _say(Decision(wanted), result)
    return True


def _put_beside(form: DecisionForm, refusal: Refusal) -> None:
    if refusal.field == "reason":
        form.reason.errors = [str(refusal)]
    else:
        form.form_errors.append(str(refusal))


def _say(decision: Decision, result: Result) -> None:
    """Say what came of it without names: until it is shown, the sentence is kept in the cookie."""
    if decision is Decision.APPROVE:
        flash(ngettext("%(num)s person approved.", "%(num)s people approved.", result.done))
    else:
        flash(ngettext("%(num)s person declined.", "%(num)s people declined.", result.done))
    for sentence, number in Counter(map(str, result.refused)).items():
        not_done = ngettext("Not done for %(num)s person.", "Not done for %(num)s people.", number)
        flash(f"{not_done} {sentence}", "error")


def list_page(
    event: Event,
    *,
    form: DecisionForm | None = None,
    ticked: Sequence[str] = (),
    search_form: SearchForm | None = None,
    look_form: LookForm | None = None,
) -> Answer:
    """Draw the list; 422 where something that was typed has a fault."""
    selection = read_selection(event)
    filters = selection.filters
    page = rules.page(event, filters, selection.number, unmasked=selection.unmasked) if filters else None
    form = form or DecisionForm(formdata=None)
    search_form = search_form or SearchForm(formdata=None, search=selection.search)
    look_form = look_form or LookForm(formdata=None)
    html = render_template(
        "organizer/attendees.html",
        event=event,
        selection=selection,
        page=page,
        search_form=search_form,
        look_form=look_form,
        unmasked_until=masks.open_until(event),
        form=form,
        ticked={one.partition(":")[0] for one in ticked},
    )
    return html, 422 if form.errors or search_form.errors or look_form.errors or not filters else 200


def one_page(
    event: Event,
    public_id: str,
    *,
    form: DecisionForm | None = None,
    look_form: LookForm | None = None,
    seen: Sight | None = None,
) -> Answer:
    """Draw one person's page. `seen`: what is shown in this answer, for its reason stands in the book."""
    registration = rules.called(event, public_id)
    category, mails = registration.category, mails_of(registration, now=clock.now())
    shows_answers = not category.at_risk or seen is Sight.CATEGORY
    names_category = shows_answers or masks.unmasked(event)
    if not names_category:
        mails = [one for one in mails if not tells_of_category(event, one.delivery)]
    elif category.at_risk and not masks.unmasked(event):
        mails = [replace(one, can_go_again=False) if tells_of_category(event, one.delivery) else one for one in mails]
    form, look_form = form or DecisionForm(formdata=None), look_form or LookForm(formdata=None)
    html = render_template(
        "organizer/attendee.html",
        event=event,
        registration=registration,
        personal=open_personal(registration),
        category=category if names_category else None,
        shows_answers=shows_answers,
        vetting_name=vetting_name(registration) if seen is Sight.VETTING_NAME else "",
        sights=_sights(registration, seen),
        form=form,
        look_form=look_form,
        possible=[one for one in Decision if registration.state in POSSIBLE[one]],
        decided_by=rules.decided_by(registration),
        replies=[_reply_text(one, event) for one in replies_of(registration)],
        mails=mail_lines(mails, event.zone, names_announcements=names_category),
        stop=stop_of(registration),
        previews=may(organizer(), Action.EDIT_MAIL, event) and names_category and seen is None,
        drafts=drafts(event),
    )
    return html, 422 if form.errors or look_form.errors else 200


def _sights(registration: Registration, seen: Sight | None) -> list[Sight]:
    """Return what of one person is masked on their page and may be looked at by the organizer who asks."""
    masked = {
        Sight.CATEGORY: registration.category.at_risk,
        Sight.VETTING_NAME: registration.vetting is not None,
    }
    event = registration.event
    return [one for one, is_masked in masked.items() if is_masked and one is not seen and _may_see(one, event)]


def _may_see(what: Sight, event: Event) -> bool:
    return may(organizer(), unmasking.NEEDED[what], event)


def _reply_text(invitation: Invitation, event: Event) -> str:
    """Return which session was answered, how, and when."""
    assert invitation.replied_at  # noqa: S101 - noted together with the reply
    day = day_text(invitation.replied_at, event.zone, page_language())
    values = {"session": text(invitation.session.title), "day": day}
    if invitation.reply is Reply.ACCEPTED:
        return _("%(session)s: accepted on %(day)s", **values)
    if invitation.reply is Reply.TENTATIVE:
        return _("%(session)s: perhaps, said on %(day)s", **values)
    return _("%(session)s: declined on %(day)s", **values)
