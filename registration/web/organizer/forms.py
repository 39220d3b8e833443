"""The forms of the organizer's desk."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, ValidationError

from registration.countries import country_names
from registration.domain.accounts import LONGEST_PASSWORD, SHORTEST_PASSWORD
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


class SignInForm(FlaskForm):
    """Address and password of an account."""

    address = LineField(
        _l("Mail address"),
        validators=[Needed(lambda: _("Type your mail address.")), Writable(LINE_LENGTH)],
        render_kw={"type": "email", "autocomplete": "username"},
    )
    password = PasswordField(
        _l("Password"),
        validators=[Needed(lambda: _("Type your password."))],
        render_kw={"autocomplete": "current-password"},
    )


class PasswordForm(FlaskForm):
    """A new password, typed twice."""

    password = PasswordField(
        _l("New password"),
        description=_l("At least %(number)s characters; several words are easier to keep.", number=SHORTEST_PASSWORD),
        validators=[Needed(lambda: _("Type a password."))],
        render_kw={"autocomplete": "new-password", "maxlength": LONGEST_PASSWORD},
    )
    again = PasswordField(
        _l("The same again"),
        validators=[Needed(lambda: _("Type the password a second time."))],
        render_kw={"autocomplete": "new-password", "maxlength": LONGEST_PASSWORD},
    )

    def validate_again(self, field: PasswordField) -> None:
        """Refuse two that differ."""
        if field.data != self.password.data:
            raise ValidationError(_("This is not the same as above; type both again."))


class NewPasswordForm(PasswordForm):
    """A new password in place of one's own."""

    current = PasswordField(
        _l("Your password until now"),
        validators=[Needed(lambda: _("Type your password."))],
        render_kw={"autocomplete": "current-password"},
    )


class EndSessionsForm(FlaskForm):
    """One's password again, to end other sessions."""

    password = PasswordField(
        _l("Your password"),
        validators=[Needed(lambda: _("Type your password."))],
        render_kw={"autocomplete": "current-password"},
    )


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


class LookForm(FlaskForm):
    """Why somebody looks at what is masked; the address it goes to says at what."""

    why = LinesField(
        _l("Why you need to see this"),
        description=_l("It is kept in the book, with your name and the time."),
        validators=[Needed(lambda: _("Say why you need to see this.")), Writable(LOOK_REASON_LENGTH)],
        render_kw={"rows": 2},
    )


class ExportForm(FlaskForm):
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
    password = PasswordField(
        _l("Your password again"),
        description=_l("You signed in more than a quarter of an hour ago."),
        render_kw={"autocomplete": "current-password"},
    )
