"""The sign-up form: what a category asks, and what everybody is asked."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field, Form
from wtforms.validators import Optional

from registration.domain.livestream import FLOOR, stream_languages
from registration.domain.personal import ADDRESS_LENGTH, Personal
from registration.domain.programme import open_sessions
from registration.domain.signup import SignUp
from registration.models import Category, Event, Question
from registration.models.event import QuestionKind
from registration.web.display import chosen_zone, page_language, stream_language_name
from registration.web.fields import (
    LINE_LENGTH,
    SITE_LENGTH,
    TEXT_LENGTH,
    AddressField,
    Choice,
    CountryField,
    LineField,
    LinesField,
    Needed,
    NewAddressField,
    OneField,
    SeveralField,
    SiteField,
    TickField,
    Writable,
    ZoneField,
)
from registration.web.public_display import marked

QUESTION = "question_"
VETTING_NAME = "vetting_name"
FORMS_KEPT = 256
"""How many forms of categories, in one language each, a process keeps."""


class WishesForm(FlaskForm):
    """What participants choose at sign-up and can change on their own page."""

    sessions = SeveralField(
        _l("Sessions you want to follow"),
        coerce=str,
        validators=[Needed(lambda: _("Choose at least one session."))],
    )
    stream_language = OneField(_l("Language to follow in"), validators=[Needed(lambda: _("Choose a language."))])
    zone = ZoneField(
        _l("Your time zone"),
        description=_l("Mails show every time in this zone."),
        validators=[Needed(lambda: _("Choose the time zone you are in."))],
    )
    discreet = TickField(
        _l("Someone else may see my calendar or phone"),
        description=_l("Mails, reminders and calendar entries then use neutral words and do not name the event."),
    )

    def offer(self, event: Event) -> None:
        """Put in what this (whole) event offers."""
        self.sessions.choices, self.stream_language.choices = _offers(event, page_language())

    def session_ids(self, event: Event) -> tuple[int, ...]:
        """Return the ids of the sessions chosen, in the programme's order."""
        return tuple(one.id for one in open_sessions(event) if one.slug in (self.sessions.data or ()))


class SignUpForm(WishesForm):
    """What everybody is asked; `form_for` adds the category's own questions. It has no authority, so no CSRF token."""

    class Meta(FlaskForm.Meta):
        """Works without a cookie."""

        csrf = False

    name = LineField(
        _l("Name"),
        description=_l("As you want to be called; one word is enough."),
        validators=[Needed(lambda: _("Write the name you want to be called by.")), Writable(LINE_LENGTH)],
        render_kw={"autocomplete": "name"},
    )
    address = NewAddressField(
        _l("Mail address"),
        description=_l("We send a link to it; nothing counts before you have opened that link."),
        validators=[
            Needed(lambda: _("Write the mail address the link should go to.")),
            Writable(ADDRESS_LENGTH),
        ],
        render_kw={"autocomplete": "email", "type": "email", "inputmode": "email"},
    )
    captions = TickField(_l("Captions"))
    sign = TickField(_l("International Sign"))
    needs = LinesField(_l("Anything else you need to take part"), validators=[Optional(), Writable(1000)])
    consent = TickField(
        _l("I have read the privacy notice and agree"),
        validators=[Needed(lambda: _("Read the privacy notice and tick this box to sign up."))],
    )

    def to_sign_up(self, category: Category) -> SignUp:
        """Return what was typed as the rules take it; for a form that validates."""
        answers = {
            question.name: value
            for question in category.questions
            if (value := self[QUESTION + question.name].data) not in (None, "", [], False)
        }
        country = answers.get("country", "")
        return SignUp(
            personal=Personal(
                name=self.name.data or "",
                address=self.address.address,
                organization=str(answers.get("organization", "")),
                answers=answers,
                captions=self.captions.data,
                sign=self.sign.data,
                needs=self.needs.data or "",
            ),
            session_ids=self.session_ids(category.event),
            language=page_language(),
            stream_language=self.stream_language.data,
            zone=self.zone.data or "",
            country=country if isinstance(country, str) and len(country) == 2 else "",
            discreet=self.discreet.data,
            vetting_name=self[VETTING_NAME].data or "" if VETTING_NAME in self else "",
        )


class FindForm(FlaskForm):
    """The lost link: an address, nothing else."""

    class Meta(FlaskForm.Meta):
        """Works without a cookie."""

        csrf = False

    address = AddressField(
        _l("Mail address"),
        validators=[
            Needed(lambda: _("Write the mail address you signed up with.")),
            Writable(ADDRESS_LENGTH),
        ],
        render_kw={"autocomplete": "email", "type": "email", "inputmode": "email"},
    )


def form_for(category: Category) -> SignUpForm:
    """Return the form of one category, filled with what the request brought.

    An untouched one has all sessions ticked, the floor, and the zone that the address asks for.
    """
    form_class = _form_class(category, page_language())
    if request.form:
        form = form_class(request.form)
    else:
        slugs = [one.slug for one in open_sessions(category.event)]
        form = form_class(sessions=slugs, stream_language=FLOOR, zone=chosen_zone())
    form.offer(category.event)
    return form


@lru_cache(maxsize=FORMS_KEPT)
def _form_class(category: Category, _language: str) -> type[SignUpForm]:
    """Return the form's class, made once for each version and language."""
    own = {QUESTION + question.name: _question_field(question) for question in category.questions}
    if category.asks_vetting_name:
        own |= {"name": _name_for_lists(), VETTING_NAME: _vetting_name(category.event)}
    return type("CategoryForm", (SignUpForm,), own)


@lru_cache(maxsize=FORMS_KEPT)
def _offers(event: Event, _language: str) -> tuple[list[Choice], list[Choice]]:
    """Return the sessions and the stream languages to choose from, worded once for each version and language."""
    sessions = open_sessions(event)
    return (
        [(one.slug, marked(one.title)) for one in sessions],
        [(one, stream_language_name(one)) for one in stream_languages(sessions)],
    )


def question_fields(form: Form, category: Category) -> list[Field]:
    """Return the fields of the category's own questions, in order."""
    return [form[QUESTION + question.name] for question in category.questions]


def _name_for_lists() -> LineField:
    return LineField(
        _("Name for lists"),
        description=_("As you want to be called and listed: it may be an alias, and one word is enough."),
        validators=[Needed(lambda: _("Write the name you want to be called by.")), Writable(LINE_LENGTH)],
        render_kw={"autocomplete": "off"},
    )


def _vetting_name(event: Event) -> LineField:
    """The name that is never in a list; the help says who reads it and how long it stays."""
    help_text = _(
        "Your full name. Read only by those who review registrations, in no list, and erased when yours is decided on."
    )
    if event.keeps_vetting_names:
        help_text = _(
            "Your full name. Read only by those who review registrations, in no list, and erased with all your data."
        )
    return LineField(
        _("Name for vetting"),
        description=help_text,
        validators=[Needed(lambda: _("Write the name by which your registration is reviewed.")), Writable(LINE_LENGTH)],
        render_kw={"autocomplete": "off"},
    )


def _question_field(question: Question) -> Any:
    label, description = marked(question.label), marked(question.help)
    needed = [Needed(lambda: _("Please answer this."))] if question.required else [Optional()]
    settings: dict[str, Any] = {"label": label, "description": description}
    choices = [(choice["value"], marked(choice["label"])) for choice in question.choices]
    match question.kind:
        case QuestionKind.TEXT:
            return LineField(validators=[*needed, Writable(LINE_LENGTH)], **settings)
        case QuestionKind.LONG_TEXT:
            return LinesField(validators=[*needed, Writable(TEXT_LENGTH)], **settings)
        case QuestionKind.ONE_CHOICE:
            return OneField(choices=lambda: choices, validators=needed, **settings)
        case QuestionKind.SEVERAL_CHOICES:
            return SeveralField(choices=lambda: choices, validators=needed, **settings)
        case QuestionKind.COUNTRY:
            return CountryField(validators=needed, **settings)
        case QuestionKind.SITE:
            return SiteField(validators=[*needed, Writable(SITE_LENGTH)], **settings)
        case QuestionKind.YES_NO:
            return TickField(validators=needed, **settings)
