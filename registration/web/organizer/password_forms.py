"""Forms that take passwords: at the desk's door, and again before what a session alone may not do."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field, Form, PasswordField, ValidationError

from registration import clock, security_log
from registration.domain import accounts, desk_sessions, passwords
from registration.extensions import writing
from registration.web import limits
from registration.web.access import current_session
from registration.web.fields import LINE_LENGTH, LineField, Needed, Writable
from registration.web.organizer.events import organizer

ONE_TIME = {"autocomplete": "one-time-code", "autocapitalize": "characters", "spellcheck": "false"}


class Own:
    """Validates that it is the password of the account that asks. Raises TooManyRequests where too many are tried."""

    def __call__(self, _form: Form, field: Field) -> None:
        """Refuse another one, and log that."""
        with limits.hashing():
            if accounts.password_fits(organizer(), field.data or ""):
                return
        security_log.refused("password_refused", account=organizer().public_id)
        raise ValidationError(_("This is not your password; type it again."))


class FreshForm(FlaskForm):
    """A form for what needs more than a session: it asks for the password, unless that was typed lately."""

    password = PasswordField(
        _l("Your password again"),
        description=_l("You signed in more than a quarter of an hour ago."),
        validators=[Own()],
        render_kw={"autocomplete": "current-password"},
    )

    def __init__(self, *arguments: Any, **values: Any) -> None:
        super().__init__(*arguments, **values)
        session = current_session()
        if session is not None and desk_sessions.is_fresh(session, now=clock.now()):
            del self.password

    def validate(self, extra_validators: Any = None) -> bool:
        """Note that the password was typed where it was asked for and fits, whatever else is wrong."""
        session = current_session()
        session_id = session.id if session else 0
        is_good: bool = super().validate(extra_validators)
        if "password" in self and not self.password.errors:
            with writing():
                desk_sessions.note_password(session_id, now=clock.now())
        return is_good


class OwnPasswordForm(FlaskForm):
    """One's password again, however lately it was typed."""

    password = PasswordField(
        _l("Your password"),
        validators=[Needed(lambda: _("Type your password.")), Own()],
        render_kw={"autocomplete": "current-password"},
    )


class SignInForm(FlaskForm):
    """Address and password of an account, and the code of its second factor."""

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
    code = LineField(
        _l("Code"),
        description=_l("From your authenticator app, or a recovery code; leave it empty if you have set up neither."),
        validators=[Writable(LINE_LENGTH)],
        render_kw=ONE_TIME,
    )


class CodeForm(FlaskForm):
    """A code that the app shows."""

    code = LineField(
        _l("Code"),
        description=_l("The six digits that the app shows now."),
        validators=[Needed(lambda: _("Type the code.")), Writable(LINE_LENGTH)],
        render_kw=ONE_TIME,
    )


class PasswordForm(FlaskForm):
    """A new password, typed twice."""

    password = PasswordField(
        _l("New password"),
        description=_l("At least %(number)s characters; several words are easier to keep.", number=passwords.SHORTEST),
        validators=[Needed(lambda: _("Type a password."))],
        render_kw={"autocomplete": "new-password", "maxlength": passwords.LONGEST},
    )
    again = PasswordField(
        _l("The same again"),
        validators=[Needed(lambda: _("Type the password a second time."))],
        render_kw={"autocomplete": "new-password", "maxlength": passwords.LONGEST},
    )

    def validate_again(self, field: PasswordField) -> None:
        """Refuse two that differ."""
        if field.data != self.password.data:
            raise ValidationError(_("This is not the same as above; type both again."))


class NewPasswordForm(PasswordForm):
    """A new password in place of one's own."""

    current = PasswordField(
        _l("Your password until now"),
        validators=[Needed(lambda: _("Type your password.")), Own()],
        render_kw={"autocomplete": "current-password"},
    )


class EndFactorForm(OwnPasswordForm):
    """One's password and a code, to end the second factor."""

    code = LineField(
        _l("Code"),
        description=_l("The six digits that the app shows now, or a recovery code."),
        validators=[Needed(lambda: _("Type the code.")), Writable(LINE_LENGTH)],
        render_kw=ONE_TIME,
    )
