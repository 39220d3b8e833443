"""The forms of reminder rules at the desk: the rule as it is typed, and whose mail to look at."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import time
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field, HiddenField, SelectField, SelectMultipleField, ValidationError
from wtforms.validators import Optional

from registration.domain.attendees import shown_categories
from registration.domain.masks import chosen_slugs, shown_names
from registration.domain.reminder_times import When
from registration.domain.reminder_values import SUBJECT_LENGTH, TEXT_LENGTH, RuleValues, mark_of, values_of
from registration.domain.session_edits import languages_of
from registration.domain.wording import REMINDER_PLACEHOLDERS, REMINDER_SUBJECT_PLACEHOLDERS
from registration.errors import Refusal
from registration.models import Event, EventSession, ReminderRule
from registration.models.types import Texts
from registration.text import is_visible
from registration.web.display import LANGUAGES, direction, language_name, text
from registration.web.fields import (
    LineField,
    LinesField,
    MenuField,
    Needed,
    OneField,
    SeveralField,
    Writable,
    ZoneField,
)
from registration.web.organizer import masks
from registration.web.organizer.reminder_words import DAY, HOUR, in_unit
from registration.web.organizer.session_words import name_here
from registration.web.organizer.words import category_label

SUBJECT, TEXT = "subject_", "text_"
MINUTES, CLOCK = "minutes", "clock"
"""The two ways to say when."""
CHOSEN = Needed(lambda: _("Choose one."))
WHOLE = re.compile(r"[0-9]{1,5}", re.ASCII)
TIME = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9]", re.ASCII)


class RuleForm(FlaskForm):
    """What every rule has; `rule_form` adds what belongs to an event: its lists, and words in each of its languages."""

    seen = HiddenField()
    """The mark of what the organizer has seen."""
    way = OneField(
        _l("When"),
        choices=lambda: [
            (MINUTES, _("So long before the start of each session")),
            (CLOCK, _("At a time of day, some days before")),
        ],
        default=MINUTES,
        validators=[Needed(lambda: _("Choose when."))],
    )
    minutes_before = LineField(
        _l("How long before"),
        description=_l(
            "Mail servers that ask to be tried again later delay a mail by ten minutes or more:"
            " a reminder less than ten minutes before may come late."
        ),
        render_kw={"inputmode": "numeric"},
    )
    unit = MenuField(
        _l("Unit"),
        choices=lambda: [("1", _("minutes")), (str(HOUR), _("hours")), (str(DAY), _("days"))],
        default=str(HOUR),
        validators=[Optional()],
    )
    days_before = LineField(
        _l("Days before"), description=_l("0 is the day of the session itself."), render_kw={"inputmode": "numeric"}
    )
    clock_time = LineField(_l("Time of day"), render_kw={"type": "time"})
    categories = SeveralField(_l("Categories"), description=_l("None ticked: all of them."))
    sessions = SeveralField(_l("Sessions"), description=_l("None ticked: all of them."))
    languages = SeveralField(_l("Languages of people’s mails"), description=_l("None ticked: all of them."))

    def validate_minutes_before(self, field: Field) -> None:
        """Refuse what is no number, where it is asked for."""
        if self.way.data == MINUTES and not WHOLE.fullmatch(field.data or ""):
            raise ValidationError(_("Write a whole number, as 15."))

    def validate_days_before(self, field: Field) -> None:
        """Refuse what is no number, where it is asked for."""
        if self.way.data == CLOCK and not WHOLE.fullmatch(field.data or ""):
            raise ValidationError(_("Write a whole number: 0 for the same day, 1 for the day before."))

    def validate_clock_time(self, field: Field) -> None:
        """Refuse what is no time of day, where it is asked for."""
        if self.way.data == CLOCK and not TIME.fullmatch(field.data or ""):
            raise ValidationError(_("Write the time of day as 18:00."))

    @property
    def words(self) -> list[tuple[str, Field, Field]]:
        """The fields of the own words: (language, subject, text), the default language first."""
        tags = [field.name.removeprefix(TEXT) for field in self if field.name.startswith(TEXT)]
        return [(tag, self[SUBJECT + tag], self[TEXT + tag]) for tag in tags]

    def values(self, event: Event, rule: ReminderRule | None) -> RuleValues:
        """Return what was typed in place of a rule, as the rules take it; for a form that validates."""
        before, unmasked = rule.categories if rule else (), masks.unmasked(event)
        return RuleValues(
            when=self._when(),
            categories=chosen_slugs(event, self.categories.data or (), before, unmasked=unmasked),
            sessions=tuple(self.sessions.data or ()),
            languages=tuple(self.languages.data or ()),
            subject=_written({tag: subject.data for tag, subject, _text in self.words}),
            text=_written({tag: own_text.data for tag, _subject, own_text in self.words}),
        )

    def refuse(self, event: Event, rule: ReminderRule | None, refusal: Refusal) -> None:
        """Put a refusal beside the field it names. One without a field is that the rule has changed: then it stands
        above the form, and what stands now beside each field that says something else."""
        if refusal.field is not None and refusal.field in self:
            self[refusal.field].errors = [str(refusal)]
            return
        self.form_errors.append(str(refusal))
        if rule is not None:
            stands = rule_form(event, rule, submitted=False)
            self.seen.data = stands.seen.data
            for field in self:
                if field.name in stands and field.name != "csrf_token" and field.data != stands[field.name].data:
                    field.description = _("Now: %(value)s", value=_shown(stands[field.name]))

    def _when(self) -> When:
        if self.way.data == MINUTES:
            unit = (self.unit.data or "").strip() or "1"
            return When(minutes_before=int(self.minutes_before.data or 0) * int(unit))
        hours, minutes = (self.clock_time.data or "").split(":")
        return When(days_before=int(self.days_before.data or 0), clock_time=time(int(hours), int(minutes)))


class PreviewForm(FlaskForm):
    """Whose mail to look at; read from the address, where it says nothing about anybody."""

    class Meta:
        """Nothing changes by it, so it needs no token."""

        csrf = False

    session = MenuField(_l("Session"), validators=[CHOSEN])
    language = MenuField(
        _l("Language"), choices=lambda: [(one, language_name(one)) for one in LANGUAGES], validators=[CHOSEN]
    )
    category = MenuField(_l("Category"), validators=[CHOSEN])
    zone = ZoneField(_l("Time zone"), validators=[CHOSEN])


def rule_form(event: Event, rule: ReminderRule | None, *, submitted: bool) -> RuleForm:
    """Return the form of a rule, or of a new one, with what stands or with what the request brought."""
    own: dict[str, Any] = {}
    for language in dict.fromkeys([*languages_of(event), *(rule.text if rule else ())]):
        own |= {SUBJECT + language: _subject_field(language), TEXT + language: _text_field(language)}
    form_class = type("FormOfRule", (RuleForm,), own)
    form: RuleForm = form_class() if submitted else form_class(formdata=None, data=_standing(rule) if rule else {})
    form.categories.choices = _category_choices(event, unmasked=masks.unmasked(event))
    form.sessions.choices = [(one.slug, text(one.title)) for one in event.sessions]
    form.languages.choices = [(one, language_name(one)) for one in LANGUAGES]
    return form


def preview_form(event: Event, sessions: list[EventSession]) -> PreviewForm:
    """Return the form of an invented participant, with what the address asks for in place of the first of each."""
    asked = {
        name: request.values[name] for name in ("session", "language", "category", "zone") if name in request.values
    }
    first = {
        "session": sessions[0].slug if sessions else "",
        "language": event.default_language,
        "category": shown_categories(event, unmasked=False)[0].name,
        "zone": event.zone,
    }
    form = PreviewForm(formdata=None, data={**first, **asked})
    form.session.choices = [(one.slug, text(one.title)) for one in sessions]
    form.category.choices = _category_choices(event, unmasked=False)
    return form


def _category_choices(event: Event, *, unmasked: bool) -> list[tuple[str, str]]:
    shown = shown_categories(event, unmasked=unmasked)
    return [(one.name, category_label(shown, one.name)) for one in shown]


def _standing(rule: ReminderRule) -> dict[str, Any]:
    """Return what stands of a rule, as the fields of its form have it."""
    values = values_of(rule)
    when: dict[str, Any] = {"way": CLOCK, "days_before": str(rule.days_before)}
    if rule.minutes_before is not None:
        amount, unit = in_unit(rule.minutes_before)
        when = {"way": MINUTES, "minutes_before": str(amount), "unit": str(unit)}
    elif rule.clock_time is not None:
        when["clock_time"] = f"{rule.clock_time:%H:%M}"
    return {
        "seen": mark_of(rule),
        **when,
        "categories": shown_names(rule.event, values.categories, unmasked=masks.unmasked(rule.event)),
        "sessions": list(values.sessions),
        "languages": list(values.languages),
        **{SUBJECT + tag: written for tag, written in values.subject.items()},
        **{TEXT + tag: written for tag, written in values.text.items()},
    }


def _subject_field(language: str) -> LineField:
    return LineField(
        _("Subject: %(language)s", language=name_here(language)),
        description=_placeholders_text(REMINDER_SUBJECT_PLACEHOLDERS),
        validators=[Writable(SUBJECT_LENGTH)],
        render_kw={"lang": language, "dir": direction(language)},
    )


def _text_field(language: str) -> LinesField:
    return LinesField(
        _("Text: %(language)s", language=name_here(language)),
        description=_placeholders_text(REMINDER_PLACEHOLDERS),
        validators=[Writable(TEXT_LENGTH)],
        render_kw={"lang": language, "dir": direction(language), "rows": 5},
    )


def _placeholders_text(known: Collection[str]) -> str:
    return _("Placeholders: %(list)s.", list=", ".join(f"{{{one}}}" for one in known))


def _written(typed: dict[str, str | None]) -> Texts:
    return {tag: words for tag, words in typed.items() if words and is_visible(words)}


def _shown(field: Field) -> str:
    """Return what a field holds as people read it."""
    chosen = field.data if isinstance(field.data, list) else [field.data]
    choices = field.iter_choices() if isinstance(field, SelectField | SelectMultipleField) else ()
    labels = {str(choice[0]): str(choice[1]) for choice in choices}
    return ", ".join(labels.get(str(one), str(one)) for one in chosen if one) or "–"
