"""The reminder rules of an event: how each stands, adding, changing, deleting, pausing one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from registration import clock
from registration.domain import mail_troubles, reminder_edits, reminder_values
from registration.domain.access import Action
from registration.domain.masks import refuse_blind_change
from registration.domain.reminder_edits import rule_called
from registration.domain.reminder_states import Round, RoundState, reminders_of
from registration.domain.reminder_times import when_of
from registration.domain.reminders import of_round
from registration.errors import Refusal
from registration.extensions import writing
from registration.models import Event, ReminderRule
from registration.models.delivery import DeliveryState
from registration.web.access import for_event
from registration.web.organizer import masks
from registration.web.organizer.desk import blueprint
from registration.web.organizer.mail_troubles import TroubleList, trouble_list
from registration.web.organizer.reminder_forms import RuleForm, rule_form
from registration.web.organizer.reminder_words import due_times, reached_lines, state_text, when_text, whom_text

Answer = str | tuple[str, int] | Response


@blueprint.context_processor
def _reminder_words() -> dict[str, Any]:
    return {
        "DeliveryState": DeliveryState,
        "RoundState": RoundState,
        "due_times": due_times,
        "reached_lines": reached_lines,
        "state_text": state_text,
        "when_text": when_text,
        "whom_text": whom_text,
    }


@blueprint.get("/events/<slug:event_slug>/reminders/")
@for_event(Action.SEE_NUMBERS)
def reminders(event: Event) -> str:
    """List the rules, each with how it stands for every session."""
    now = clock.now()
    found = reminders_of(event, now=now)
    counted = {rule.id for rule in event.reminder_rules if masks.sees_counts(event, rule.categories)}
    return render_template("organizer/reminders.html", event=event, found=found, counted=counted, now=now)


@blueprint.get("/events/<slug:event_slug>/new-reminder/")
@for_event(Action.EDIT_MAIL)
def new_reminder(event: Event) -> Answer:
    """Show the form of a new rule."""
    return _new_page(event, rule_form(event, None, submitted=False))


@blueprint.post("/events/<slug:event_slug>/new-reminder/")
@for_event(Action.EDIT_MAIL)
def add_reminder(event: Event) -> Answer:
    """Add a rule: at work at once, or paused, to be looked at first."""
    form = rule_form(event, None, submitted=True)
    if not _is_good(event, None, form):
        return _new_page(event, form)
    try:
        with writing():
            paused = "paused" in request.form
            rule = reminder_edits.add(event, form.values(event, None), paused=paused, now=clock.now())
            slug = rule.slug
    except Refusal as refusal:
        form.refuse(event, None, refusal)
        return _new_page(event, form)
    flash(_("Saved; it is paused until you resume it.") if paused else _("Saved."))
    return redirect(url_for("organizer.reminder", event_slug=event.slug, rule_slug=slug), 303)


@blueprint.get("/events/<slug:event_slug>/reminders/<slug:rule_slug>/")
@for_event(Action.SEE_NUMBERS)
def reminder(event: Event, rule_slug: str) -> Answer:
    """Show who gets a reminder and when, and to those who may edit it the form."""
    rule = rule_called(event, rule_slug)
    return _page(rule, rule_form(event, rule, submitted=False))


@blueprint.post("/events/<slug:event_slug>/reminders/<slug:rule_slug>/")
@for_event(Action.EDIT_MAIL)
def edit_reminder(event: Event, rule_slug: str) -> Answer:
    """Change a rule."""
    rule = rule_called(event, rule_slug)
    form = rule_form(event, rule, submitted=True)
    if not _is_good(event, rule, form):
        return _page(rule, form)
    before, now = when_of(rule), clock.now()
    try:
        with writing():
            values = form.values(event, rule)
            refuse_blind_change(event, reminder_values.values_of(rule), values, unmasked=masks.unmasked(event))
            changed = reminder_edits.change(rule, values, seen=form.seen.data or "", now=now)
    except Refusal as refusal:
        form.refuse(event, rule, refusal)
        return _page(rule, form)
    flash(_("Saved.") if changed else _("Nothing was changed: it stands so already."))
    have_had = reminder_edits.have_had(rule, now=now) if when_of(rule) != before else 0
    if have_had and masks.sees_counts(event, rule.categories):
        flash(
            ngettext(
                "%(num)s person has had this reminder already and does not get it again at the new time; to remind them"
                " once more, add a new reminder.",
                "%(num)s people have had this reminder already and do not get it again at the new time; to remind them"
                " once more, add a new reminder.",
                have_had,
            )
        )
    return redirect(_address(rule), 303)


@blueprint.post("/events/<slug:event_slug>/reminders/<slug:rule_slug>/delete")
@for_event(Action.EDIT_MAIL)
def delete_reminder(event: Event, rule_slug: str) -> Answer:
    """Delete a rule by which nothing has been sent."""
    rule = rule_called(event, rule_slug)
    try:
        with writing():
            reminder_edits.remove(rule, now=clock.now())
    except Refusal as refusal:
        flash(str(refusal), "error")
        return redirect(_address(rule), 303)
    flash(_("The reminder is deleted."))
    return redirect(url_for("organizer.reminders", event_slug=event.slug), 303)


@blueprint.post("/events/<slug:event_slug>/reminders/<slug:rule_slug>/pause")
@for_event(Action.EDIT_MAIL)
def pause_reminder(event: Event, rule_slug: str) -> Response:
    """Let a rule remind nobody from now on."""
    rule = rule_called(event, rule_slug)
    with writing():
        reminder_edits.pause(rule, now=clock.now())
    flash(_("It is paused: nothing more is sent by it."))
    return redirect(_address(rule), 303)


@blueprint.post("/events/<slug:event_slug>/reminders/<slug:rule_slug>/resume")
@for_event(Action.EDIT_MAIL)
def resume_reminder(event: Event, rule_slug: str) -> Response:
    """Let a rule remind again."""
    rule = rule_called(event, rule_slug)
    with writing():
        reminder_edits.resume(rule, now=clock.now())
    flash(_("It is at work again: what is due is sent now to those who have not had it."))
    return redirect(_address(rule), 303)


def _is_good(event: Event, rule: ReminderRule | None, form: RuleForm) -> bool:
    """Whether what was typed has no faults; those it has stand in the form."""
    if form.validate():
        for refusal in reminder_values.faults(event, form.values(event, rule), now=clock.now()):
            form.refuse(event, rule, refusal)
    return not form.errors


def _new_page(event: Event, form: RuleForm) -> Answer:
    html = render_template("organizer/reminder_new.html", event=event, form=form)
    return html, 422 if form.errors else 200


def _page(rule: ReminderRule, form: RuleForm) -> Answer:
    """Draw a rule's page; 422 where something that was typed has a fault."""
    now = clock.now()
    found = reminders_of(rule.event, now=now)
    html = render_template(
        "organizer/reminder.html",
        event=rule.event,
        rule=rule,
        form=form,
        found=found,
        troubles=_troubles(found.of(rule), now=now),
        has_history=reminder_edits.has_history(rule),
        unmasked=masks.unmasked(rule.event),
        counted=masks.sees_counts(rule.event, rule.categories),
        now=now,
    )
    return html, 422 if form.errors else 200


def _troubles(rounds: Sequence[Round], *, now: datetime) -> list[tuple[Round, TroubleList]]:
    """Return the mails that reached nobody, of each round that has such."""
    troubled = [one for one in rounds if any(one.mails[state] for state in mail_troubles.TROUBLED)]
    return [
        (
            one,
            trouble_list(
                one.rule.event,
                of_round(one.rule, one.session, one.starts_at),
                one.rule.categories,
                now=now,
            ),
        )
        for one in troubled
    ]


def _address(rule: ReminderRule) -> str:
    return url_for("organizer.reminder", event_slug=rule.event.slug, rule_slug=rule.slug)
