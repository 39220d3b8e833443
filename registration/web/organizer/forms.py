"""The forms of the organizer's desk."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField

from registration.countries import country_names
from registration.domain.attendees import RETRYING, STOPPED
from registration.domain.decisions import REASON_LENGTH
from registration.domain.exports import REASON_LENGTH as EXPORT_REASON_LENGTH
from registration.domain.tables import Format
from registration.domain.unmasking import REASON_LENGTH as LOOK_REASON_LENGTH
from registration.web.display import page_language
from registration.web.fields import (
    LINE_LENGTH,
    Choice,
    CountryField,
    LineField,
    LinesField,
    MenuField,
    Needed,
    OneField,
    SeveralField,
    Writable,
)
from registration.web.organizer.password_forms import FreshForm


class AnyCountryField(CountryField):
    """A country, or none in particular."""

    @staticmethod
    def options() -> list[Choice]:
        """Return all countries by name."""
        return [("", _("All")), *country_names(page_language()).items()]


class FilterForm(FlaskForm):
    """What to list: read from the address, where it says nothing about anybody."""

    class Meta:
        """Nothing changes by it, so it needs no token."""

        csrf = False

    category = MenuField(_l("Category"), default="")
    state = MenuField(_l("State"), default="")
    session = MenuField(_l("Session"), default="")
    country = AnyCountryField(_l("Country"), default="")
    mail = MenuField(
        _l("Mail"),
        default="",
        choices=lambda: [("", _("All")), (STOPPED, _("Comes back")), (RETRYING, _("Refused for now"))],
    )
    order = MenuField(_l("Order"), default="", choices=lambda: [("", _("Newest first")), ("name", _("By name"))])


class SearchForm(FlaskForm):
    """What to look for; sent by POST, because it may be somebody's name."""

    search = LineField(
        _l("Name, organization or whole mail address"),
        validators=[Writable(LINE_LENGTH)],
        render_kw={"type": "search", "autocomplete": "off"},
    )


class DecisionForm(FlaskForm):
    """The reason of a decision; whom it is for, and which, stands in check boxes and buttons beside."""

    reason = LinesField(
        _l("Reason"),
        description=_l(
            "Needed to decline: it is mailed to each person. With an approval it is kept with the registration."
        ),
        validators=[Writable(REASON_LENGTH)],
        render_kw={"rows": 3},
    )


class LookForm(FreshForm):
    """Why somebody looks at what is masked; the address it goes to says at what."""

    why = LinesField(
        _l("Why you need to see this"),
        description=_l("It is kept in the book, with your name and the time."),
        validators=[Needed(lambda: _("Say why you need to see this.")), Writable(LOOK_REASON_LENGTH)],
        render_kw={"rows": 2},
    )


class ExportForm(FreshForm):
    """Which list to take, and why."""

    columns = SeveralField(_l("Columns"), validators=[Needed(lambda: _("Choose at least one column."))])
    format = OneField(
        _l("Format"),
        choices=lambda: [(one.value, one.value.upper()) for one in Format],
        default=Format.CSV.value,
        validators=[Needed(lambda: _("Choose a format."))],
    )
    reason = LinesField(
        _l("Why you take this list"),
        description=_l("It is kept in the book of exports, with your name and the time."),
        validators=[Needed(lambda: _("Say why you take this list.")), Writable(EXPORT_REASON_LENGTH)],
        render_kw={"rows": 2},
    )
    unmask = BooleanField(_l("Name the categories of people at risk, and their answers"))


class EraseForm(FreshForm):
    """Nothing but the password, where it was not typed lately: what happens stands on the page."""
