"""Form fields and what is asked of everything that is typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from flask_babel import gettext as _
from markupsafe import Markup
from wtforms import (
    BooleanField,
    Field,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.form import BaseForm
from wtforms.validators import InputRequired, StopValidation
from wtforms.widgets import CheckboxInput, ListWidget

from registration.countries import CODES, country_names
from registration.domain.address_slips import suggestion
from registration.domain.personal import mail_address
from registration.errors import Refusal
from registration.text import clean_line, clean_lines, is_visible, is_writable
from registration.timezones import COMMON_ZONES
from registration.web.display import page_language
from registration.web.zone_list import zones_by_region

Choice = tuple[str, str]
LINE_LENGTH = 200
TEXT_LENGTH = 4000
SITE_LENGTH = 500
BARE_SITE = re.compile(r"[\w-]+(\.[\w-]+)+(:\d+)?([/?#].*)?")
REPLACEMENT = "\ufffd"
"""What stands in a text for octets that were no text."""


class Needed(InputRequired):
    """Something must be typed or chosen; spaces and what has no shape at all are nothing."""

    def __init__(self, sentence: Callable[[], str]) -> None:
        super().__init__()
        self.sentence = sentence

    def __call__(self, form: BaseForm, field: Field) -> None:
        """Refuse an empty field with its own sentence."""
        if not field.data or (isinstance(field.data, str) and not is_visible(field.data)):
            field.errors = []
            raise StopValidation(self.sentence())


class Writable:
    """What is typed can be kept and shown everywhere: no control characters, not too long."""

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self.field_flags = {"maxlength": longest}

    def __call__(self, form: BaseForm, field: Field) -> None:
        """Refuse what some database, mail or calendar cannot hold, and what is too long."""
        typed = field.data or ""
        if not is_writable(typed):
            raise StopValidation(_("There are hidden control characters in this; type it again without them."))
        if REPLACEMENT in typed:
            raise StopValidation(_("Some characters did not arrive as you typed them; type this again."))
        if len(typed) > self.longest:
            raise StopValidation(_("This is too long: shorten it to %(number)s characters.", number=self.longest))


class LineField(StringField):
    """One line of text, cleaned."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take the typed line, spaces tidied."""
        if valuelist:
            self.data = clean_line(str(valuelist[0]))


class LinesField(TextAreaField):
    """Several lines of text, cleaned."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take the typed lines with LF between them."""
        if valuelist:
            self.data = clean_lines(str(valuelist[0]))


class AddressField(LineField):
    """A mail address. What was typed stays in the field; `address` is the address mail is sent to."""

    address = ""

    def pre_validate(self, form: BaseForm) -> None:
        """Refuse what is no mail address."""
        if not self.data or not is_writable(self.data):
            return
        try:
            self.address = mail_address(self.data)
        except Refusal as refusal:
            raise ValidationError(str(refusal)) from None


class NewAddressField(AddressField):
    """A mail address that nobody has proved yet: where it looks like a slip of the keyboard, asks which is meant.

    The answer is the address that was chosen, in a field named after this one. It is for the address that was typed:
    another one is asked about anew.
    """

    suggestion: str | None = None
    """What was probably meant, while that is to be asked or the choice to be seen."""
    answer = ""

    @property
    def answer_name(self) -> str:
        """The name of the field in which the answer comes."""
        return f"{self.name}_meant"

    def process(self, formdata: Any, *more: Any, **settings: Any) -> None:
        """Take the typed address, and the answer."""
        super().process(formdata, *more, **settings)
        answers = formdata.getlist(self.answer_name) if formdata is not None else []
        self.answer = str(answers[0]) if answers else ""

    def pre_validate(self, form: BaseForm) -> None:
        """Refuse what is no mail address, and what may be a slip until somebody has said that it is none."""
        super().pre_validate(form)
        meant = suggestion(self.address)
        if meant is None:
            return
        if self.answer == meant:
            self.data = self.address = meant
            return
        self.suggestion = meant
        if self.answer != self.address:
            raise ValidationError(_("Is there a slip in this address? Choose below which one is right."))


class SiteField(LineField):
    """The address of a web site; one without a scheme is taken as https."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take the typed address, whole."""
        super().process_formdata(valuelist)
        if self.data and BARE_SITE.fullmatch(self.data):
            self.data = f"https://{self.data}"

    def pre_validate(self, form: BaseForm) -> None:
        """Refuse what is no http or https address."""
        if not self.data:
            return
        try:
            parts = urlsplit(self.data)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname or "." not in parts.hostname:
            raise ValidationError(_("This is not the address of a site; write it like https://example.org."))
        if "@" in parts.netloc:
            raise ValidationError(_("There is a name or a password in this address; write it without."))


class TickField(BooleanField):
    """A check box that counts as ticked by its own value alone."""

    TICKED = "y"

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take a tick."""
        self.data = self.TICKED in valuelist

    def _value(self) -> str:
        return self.TICKED


@cache
def _drawn_options(options: Callable[[], Any], _language: str) -> Markup:
    """Return the options of a long list as HTML, none of them chosen, drawn once for each language."""
    listed = options()
    groups: dict[str, list[Choice]] = listed if isinstance(listed, dict) else {"": listed}
    group = Markup('<optgroup label="{}">{}</optgroup>')
    drawn = ((label, _option_tags(choices)) for label, choices in groups.items())
    return Markup("").join(group.format(label, tags) if label else tags for label, tags in drawn)


def _option_tags(choices: Iterable[Choice]) -> Markup:
    return Markup("").join(Markup('<option value="{}">{}</option>').format(*choice) for choice in choices)


class ListedSelect:
    """Draws a ListedField: to draw hundreds of options for each page takes longer than all else on it."""

    def __call__(self, field: ListedField, **attributes: Any) -> Markup:
        """Return the menu with what is chosen marked; `attributes` are those of the select element."""
        given = {"id": field.id, "name": field.name, **({"required": ""} if field.flags.required else {}), **attributes}
        select = Markup("").join(Markup(' {}="{}"').format(*one) for one in given.items())
        chosen = Markup('<option value="{}">').format(field.data or "")
        marked = Markup('<option selected value="{}">').format(field.data or "")
        options = _drawn_options(field.options, page_language()).replace(chosen, marked, 1)
        return Markup("<select{}>{}</select>").format(select, options)


class ListedField(StringField):
    """One of a long list, checked by look-up: a list of hundreds is neither made nor walked for each sign-up."""

    widget: Any = ListedSelect()

    @staticmethod
    def options() -> Any:
        """Return (value, label) of each option, or such lists by group; the first one is blank."""
        raise NotImplementedError

    def pre_validate(self, form: BaseForm) -> None:
        """Refuse what is not in the list; nothing chosen is the other validators' matter."""
        if self.data and not self.offers(self.data):
            raise ValidationError(self.refusal())

    def offers(self, value: str) -> bool:
        """Whether this value is in the list."""
        raise NotImplementedError

    def refusal(self) -> str:
        """Return the sentence for a value that is not."""
        raise NotImplementedError


class CountryField(ListedField):
    """A country by its ISO 3166 code, named in the page's language."""

    @staticmethod
    def options() -> list[Choice]:
        """Return all countries by name."""
        return [("", _("Please choose")), *country_names(page_language()).items()]

    def offers(self, value: str) -> bool:
        """Whether this is a country."""
        return value in CODES

    def refusal(self) -> str:
        """Return the sentence for what is no country."""
        return _("This country is not in the list; choose one from it.")


class ZoneField(ListedField):
    """A time zone by its IANA name, by region and city."""

    @staticmethod
    def options() -> dict[str, list[Choice]]:
        """Return the zones under their regions."""
        return {"": [("", _("Please choose"))], **dict(zones_by_region(page_language()))}

    def offers(self, value: str) -> bool:
        """Whether this is a zone in common use."""
        return value in COMMON_ZONES

    def refusal(self) -> str:
        """Return the sentence for what is no zone."""
        return _("There is no such time zone; choose one from the list, as Asia/Kathmandu.")


class OneField(RadioField):
    """One of a short list, as radio buttons."""

    def pre_validate(self, form: BaseForm) -> None:
        """Refuse what was not offered."""
        refuse_unless_offered(self, [self.data])


class MenuField(SelectField):
    """One of a short list, as a menu."""

    def pre_validate(self, form: BaseForm) -> None:
        """Refuse what was not offered."""
        refuse_unless_offered(self, [self.data])


class SeveralField(SelectMultipleField):
    """Several of a short list, as check boxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def pre_validate(self, form: BaseForm) -> None:
        """Refuse what was not offered."""
        refuse_unless_offered(self, self.data or ())


def refuse_unless_offered(field: SelectField | SelectMultipleField, chosen: Iterable[Any]) -> None:
    """Raise ValidationError if something is chosen that the field's list does not have."""
    offered = {str(choice[0]) for choice in field.iter_choices()}
    if not offered.issuperset(str(value) for value in chosen):
        raise ValidationError(_("This choice is not offered; choose from the list."))
