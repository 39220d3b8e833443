"""Form fields and what is asked of everything that is typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from flask_babel import gettext as _
from wtforms import Field, SelectMultipleField, StringField, TextAreaField, ValidationError
from wtforms.form import BaseForm
from wtforms.validators import InputRequired, StopValidation
from wtforms.widgets import CheckboxInput, ListWidget, Select

from registration.countries import CODES, country_names
from registration.domain.personal import mail_address
from registration.errors import Refusal
from registration.text import clean_line, clean_lines, is_writable
from registration.timezones import zone_named
from registration.web.display import page_language
from registration.web.zone_list import zones_by_region

Choice = tuple[str, str]
LINE_LENGTH = 200
TEXT_LENGTH = 4000
SITE_LENGTH = 500


class Needed(InputRequired):
    """Something must be typed or chosen; spaces alone are nothing."""

    def __init__(self, sentence: Callable[[], str]) -> None:
        super().__init__()
        self.sentence = sentence

    def __call__(self, form: BaseForm, field: Field) -> None:
        """Refuse an empty field with its own sentence."""
        if not field.data or (isinstance(field.data, str) and not field.data.strip()):
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


class SiteField(LineField):
    """The address of a web site."""

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


class ListedField(LineField):
    """One of a long list, checked by look-up: a list of hundreds is not walked for each sign-up."""

    widget: Any = Select()

    def has_groups(self) -> bool:
        """Whether the list is in groups (WTForms asks)."""
        return False

    def options(self) -> Iterable[Choice]:
        """Return (value, label) of what can be chosen."""
        raise NotImplementedError

    def iter_choices(self) -> Iterator[tuple[str, str, bool, dict[str, Any]]]:
        """Yield the options as WTForms' Select draws them, a blank one first."""
        yield "", _("Please choose"), not self.data, {}
        for value, label in self.options():
            yield value, label, value == self.data, {}


class CountryField(ListedField):
    """A country by its ISO 3166 code, named in the page's language."""

    def options(self) -> Iterable[Choice]:
        """Return all countries by name."""
        return country_names(page_language()).items()

    def pre_validate(self, form: BaseForm) -> None:
        """Refuse what is no country."""
        if self.data and self.data not in CODES:
            raise ValidationError(_("This country is not in the list; choose one from it."))


class ZoneField(ListedField):
    """A time zone by its IANA name, by region and city."""

    def has_groups(self) -> bool:
        """The zones stand under their regions."""
        return True

    def iter_groups(self) -> Iterator[tuple[str, list[tuple[str, str, bool, dict[str, Any]]]]]:
        """Yield (region, options) as WTForms' Select draws them."""
        for region, zones in zones_by_region():
            yield region, [(name, place, name == self.data, {}) for name, place in zones]

    def pre_validate(self, form: BaseForm) -> None:
        """Refuse what is no zone in common use."""
        if not self.data:
            return
        try:
            zone_named(self.data)
        except Refusal as refusal:
            raise ValidationError(str(refusal)) from None


class SeveralField(SelectMultipleField):
    """Several of a short list, as check boxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def pre_validate(self, form: BaseForm) -> None:
        """Refuse what was not offered."""
        offered = {str(choice[0]) for choice in self.iter_choices()}
        if not offered.issuperset(str(value) for value in self.data or ()):
            raise ValidationError(_("This choice is not offered; choose from the list."))
