"""The form of an announcement: its words in each language, and boxes for whom it is for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field, HiddenField

from registration.domain.announcement_content import SUBJECT_PLACEHOLDERS, Content, languages
from registration.domain.attendees import shown_categories
from registration.domain.groups import Group
from registration.domain.masks import GONE, chosen_slugs, shown_names
from registration.domain.wording import ANNOUNCEMENT_PLACEHOLDERS
from registration.errors import Refusal
from registration.models import Event
from registration.models.registration import RegistrationState as State
from registration.text import is_visible
from registration.web.display import LANGUAGES, direction, text
from registration.web.fields import (
    LINE_LENGTH,
    TEXT_LENGTH,
    LineField,
    LinesField,
    MenuField,
    Needed,
    SeveralField,
    Writable,
)
from registration.web.organizer.session_words import name_here
from registration.web.organizer.words import STATES, category_label

SUBJECT, TEXT = "subject_", "text_"
NEW = Content({}, {}, Group())
"""What stands in the form of a new announcement."""
MAILED_STATES = [state for state in State if state is not State.UNVERIFIED]
"""The states of people whose address is known to be theirs."""


class AnnouncementForm(FlaskForm):
    """Whom an announcement is for; `form_of` adds a subject and a text in each language."""

    seen = HiddenField()
    """The mark of what the organizer has seen."""
    states = SeveralField(
        _l("State"),
        choices=lambda: [(state.value, str(STATES[state])) for state in MAILED_STATES],
        validators=[Needed(lambda: _("Choose at least one state."))],
    )
    categories = SeveralField(
        _l("Category"),
        description=_l("Without a tick: all."),
    )
    sessions = SeveralField(
        _l("Session"),
        description=_l("Those who chose one of these. Without a tick: all."),
    )
    languages = SeveralField(
        _l("Language of mails"),
        choices=lambda: [(language, name_here(language)) for language in LANGUAGES],
        description=_l("Those who read their mails in one of these. Without a tick: all."),
    )

    @property
    def written(self) -> list[tuple[str, Field, Field]]:
        """The fields of each language: (language, subject, text)."""
        tags = [field.name.removeprefix(SUBJECT) for field in self if field.name.startswith(SUBJECT)]
        return [(tag, self[SUBJECT + tag], self[TEXT + tag]) for tag in tags]

    def content(self, event: Event, before: Content, *, unmasked: bool) -> Content:
        """Return what was typed and ticked in place of `before`, as the rules take it; for a form that validates."""
        return Content(
            subject={tag: field.data for tag, field, _text in self.written if is_visible(field.data or "")},
            text={tag: field.data for tag, _subject, field in self.written if is_visible(field.data or "")},
            group=Group(
                states=tuple(State(one) for one in self.states.data or ()),
                categories=chosen_slugs(event, self.categories.data or (), before.group.categories, unmasked=unmasked),
                sessions=tuple(self.sessions.data or ()),
                languages=tuple(self.languages.data or ()),
            ),
        )

    def refuse(self, refusal: Refusal) -> None:
        """Put a refusal beside the field it names, or above the form."""
        if refusal.field is not None and refusal.field in self:
            self[refusal.field].errors = [str(refusal)]
        else:
            self.form_errors.append(str(refusal))

    def compare(self, standing: dict[str, Any]) -> None:
        """Put what stands now beside each field that says something else; who sends it again has seen it."""
        self.seen.data = standing["seen"]
        for field in self:
            stands = standing.get(field.name, "")
            if field.name.startswith((SUBJECT, TEXT)) and field.data != stands:
                field.description = _("Now: %(value)s", value=stands or "–")
            elif isinstance(field, SeveralField) and set(field.data or ()) != set(stands):
                labels = [str(label) for value, label, *_rest in field.iter_choices() if value in stands]
                field.description = _("Now: %(value)s", value=" · ".join(labels) or "–")


class PreviewForm(FlaskForm):
    """As whom to look at a mail: read from the address."""

    class Meta:
        """Nothing changes by it, so it needs no token."""

        csrf = False

    person = MenuField(_l("As"))
    language = MenuField(
        _l("Language of an invented participant"),
        choices=lambda: [(language, name_here(language)) for language in LANGUAGES],
    )


def form_of(event: Event, content: Content, *, seen: str = "", unmasked: bool, submitted: bool) -> AnnouncementForm:
    """Return the form of an announcement, with what stands or with what the request brought."""
    own: dict[str, Any] = {}
    for language in languages(event, content):
        is_default = language == event.default_language
        own[SUBJECT + language] = _subject_field(language, is_default=is_default)
        own[TEXT + language] = _text_field(language, is_default=is_default)
    form_class = type("FormOfAnnouncement", (AnnouncementForm,), own)
    data = standing(event, content, seen=seen, unmasked=unmasked)
    form: AnnouncementForm = form_class() if submitted else form_class(formdata=None, data=data)
    shown = shown_categories(event, unmasked=unmasked)
    form.categories.choices = [(one.name, category_label(shown, one.name)) for one in shown]
    form.categories.choices += _gone(data["categories"])
    form.sessions.choices = [(one.slug, text(one.title)) for one in event.sessions] + _gone(data["sessions"])
    return form


def standing(event: Event, content: Content, *, seen: str, unmasked: bool) -> dict[str, Any]:
    """Return what stands of an announcement, as the fields of its form have it."""
    sessions = {session.slug for session in event.sessions}
    return {
        "seen": seen,
        "states": [state.value for state in content.group.states],
        "categories": shown_names(event, content.group.categories, unmasked=unmasked),
        "sessions": list(dict.fromkeys(one if one in sessions else GONE for one in content.group.sessions)),
        "languages": list(content.group.languages),
        **{SUBJECT + language: words for language, words in content.subject.items()},
        **{TEXT + language: words for language, words in content.text.items()},
    }


def _gone(names: Collection[str]) -> list[tuple[str, str]]:
    """Return the choice that stands for what was ticked and is in the event no more, so that nobody loses it unseen:
    without it the group might be all."""
    return [(GONE, _("No longer there: selects nobody"))] if GONE in names else []


def _subject_field(language: str, *, is_default: bool) -> Any:
    needed = [Needed(lambda: _("Write a subject in the event's default language."))]
    return LineField(
        _("Subject: %(language)s", language=name_here(language)),
        description=_placeholders_text(SUBJECT_PLACEHOLDERS),
        validators=[*(needed if is_default else ()), Writable(LINE_LENGTH)],
        render_kw={"lang": language, "dir": direction(language)},
    )


def _text_field(language: str, *, is_default: bool) -> Any:
    needed = [Needed(lambda: _("Write the message in the event's default language."))]
    return LinesField(
        _("Message: %(language)s", language=name_here(language)),
        description=_placeholders_text(ANNOUNCEMENT_PLACEHOLDERS),
        validators=[*(needed if is_default else ()), Writable(TEXT_LENGTH)],
        render_kw={"lang": language, "dir": direction(language), "rows": 10},
    )


def _placeholders_text(known: Collection[str]) -> str:
    return _("Placeholders: %(known)s", known=" ".join(f"{{{one}}}" for one in known))
