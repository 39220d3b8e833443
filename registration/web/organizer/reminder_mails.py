"""The mails of a reminder rule: as somebody would get them, on trial to oneself, and sent now."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from werkzeug.wrappers import Response

from registration import clock
from registration.domain import attendees, reminders, stand_ins
from registration.domain.access import Action, may
from registration.domain.accounts import address_of
from registration.domain.attendees import shown_categories
from registration.domain.programme import session_called
from registration.domain.reminder_edits import rule_called
from registration.domain.reminder_states import Round, reminders_of
from registration.domain.reminder_times import is_for
from registration.errors import NotFound, Refusal
from registration.extensions import db, writing
from registration.mail.letter import Letter
from registration.mail.posting import Unreachable
from registration.mail.reminder_preview import reminder_preview
from registration.mail.trial import send_trial
from registration.models import Event, EventSession, Registration, ReminderRule
from registration.web.access import for_event
from registration.web.mail_frame import framed, framing
from registration.web.organizer import masks
from registration.web.organizer.desk import blueprint, sends_trial
from registration.web.organizer.events import organizer
from registration.web.organizer.reminder_forms import PreviewForm, preview_form
from registration.web.organizer.reminder_words import trial_text


@blueprint.get("/events/<slug:event_slug>/reminders/<slug:rule_slug>/preview/")
@for_event(Action.EDIT_MAIL)
def preview_reminder(event: Event, rule_slug: str) -> Response:
    """Show the mail as an invented participant gets it, or a real one whom the address names."""
    rule = rule_called(event, rule_slug)
    person = _person(event)
    form = _form(rule, person)
    letter = _letter(rule, form, person) if form.validate() else None
    html = render_template(
        "organizer/reminder_preview.html", event=event, rule=rule, form=form, person=person, letter=letter
    )
    response = framing(html)
    response.status_code = 422 if form.errors else 200
    return response


@blueprint.get("/events/<slug:event_slug>/reminders/<slug:rule_slug>/preview/body.html")
@for_event(Action.EDIT_MAIL)
def reminder_body(event: Event, rule_slug: str) -> Response:
    """Answer the mail's HTML, shut in."""
    rule = rule_called(event, rule_slug)
    person = _person(event)
    form = _form(rule, person)
    if not form.validate():
        abort(404)
    return framed(_letter(rule, form, person).html)


@blueprint.post("/events/<slug:event_slug>/reminders/<slug:rule_slug>/test")
@for_event(Action.EDIT_MAIL)
@sends_trial
def try_reminder(event: Event, rule_slug: str) -> Response:
    """Send the mail as the invented participant gets it to the organizer's own address; say what comes of it."""
    rule = rule_called(event, rule_slug)
    form = _form(rule, None)
    chosen = {field.name: field.data for field in form}
    if form.validate():
        letter, address = _letter(rule, form, None), address_of(organizer())
        _try(letter, address)
    else:
        flash(_("This mail cannot be sent on trial; choose again below."), "error")
    return redirect(url_for("organizer.preview_reminder", event_slug=event.slug, rule_slug=rule_slug, **chosen), 303)


@blueprint.get("/events/<slug:event_slug>/reminders/<slug:rule_slug>/sessions/<slug:session_slug>/send/")
@for_event(Action.EDIT_MAIL)
def review_reminder(event: Event, rule_slug: str, session_slug: str) -> str:
    """Ask once more before a reminder is sent ahead of its time, and say who gets it."""
    rule, session = rule_called(event, rule_slug), session_called(event, session_slug)
    now = clock.now()
    for refusal in reminders.refusals(rule, session, now=now):
        raise refusal
    found = reminders_of(event, now=now)
    people, standing = reminders.not_reminded(rule, session, now=now), _standing(found.of(rule), session)
    return render_template(
        "organizer/reminder_send.html",
        event=event,
        rule=rule,
        session=session,
        people=people,
        nobody_new=reminders.NOBODY_NEW,
        is_ahead=standing.due_at is not None and now < standing.due_at,
        reached=found.people(rule, session) if people == standing.people else (),
        unmasked=masks.unmasked(event),
        counted=masks.sees_counts(event, rule.categories),
    )


@blueprint.post("/events/<slug:event_slug>/reminders/<slug:rule_slug>/sessions/<slug:session_slug>/send/")
@for_event(Action.EDIT_MAIL)
def send_reminder(event: Event, rule_slug: str, session_slug: str) -> Response:
    """Make the reminders of one session now."""
    rule, session = rule_called(event, rule_slug), session_called(event, session_slug)
    try:
        with writing():
            people = reminders.send_now(rule, session, now=clock.now())
    except NotFound:
        raise
    except Refusal as refusal:
        flash(str(refusal), "error")
    else:
        sent = ngettext("%(num)s mail is on its way.", "%(num)s mails are on their way.", people)
        flash(sent if masks.sees_counts(event, rule.categories) else _("The mails are on their way."))
    return redirect(url_for("organizer.reminder", event_slug=event.slug, rule_slug=rule_slug), 303)


def _person(event: Event) -> Registration | None:
    """Return the participant whom the address names. Who is in a category at risk is looked at by those alone who may
    know it: the mail can lead to a room of that category."""
    public_id = request.args.get("person")
    if not public_id:
        return None
    if not may(organizer(), Action.SEE_LIST, event):
        abort(403)
    found = attendees.called(event, public_id)
    if found.category.at_risk and not masks.unmasked(event):
        raise Refusal(_l("This person is protected; look at the mail of an invented participant instead."))
    return found


def _form(rule: ReminderRule, person: Registration | None) -> PreviewForm:
    """Return the form with the sessions that the rule is about; of a real participant, those they have chosen."""
    sessions = [one for one in rule.event.sessions if is_for(rule, one)]
    if person is not None:
        chosen = {choice.session_id for choice in person.choices}
        sessions = [one for one in sessions if one.id in chosen]
        if not sessions:
            raise Refusal(_l("This person has chosen no session that the reminder is about, and does not get it."))
    return preview_form(rule.event, sessions)


def _letter(rule: ReminderRule, form: PreviewForm, person: Registration | None) -> Letter:
    event, now = rule.event, clock.now()
    session = session_called(event, form.session.data)
    if person is not None:
        return reminder_preview(rule, session, stand_ins.instead_of(person, now=now), now=now)
    shown = next(one for one in shown_categories(event, unmasked=False) if one.name == form.category.data)
    category = next(one for one in event.categories if one.id in shown.ids)
    invented = stand_ins.invented(
        event,
        language=form.language.data,
        category=category,
        sessions=[session],
        zone=form.zone.data or event.zone,
        now=now,
    )
    return reminder_preview(rule, session, invented, now=now)


def _try(letter: Letter, address: str) -> None:
    """Send a letter on trial, with no transaction open meanwhile, and say what comes of it."""
    db.session.rollback()
    try:
        outcome = send_trial(letter, address, now=clock.now())
    except Unreachable:
        flash(_("The mail server cannot be reached, or takes no mail from us; ask who runs this service."), "error")
        return
    flash(trial_text(outcome), "message" if outcome.sent else "error")


def _standing(rounds: list[Round], session: EventSession) -> Round:
    return next(one for one in rounds if one.session.id == session.id and not one.is_old)
