"""An organizer's second factor: set up with an app, and switched off (ASVS 5.0, 6.3.3, 6.5)."""

from __future__ import annotations

from urllib.parse import urlsplit

import segno
from flask import abort, current_app, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from config import Settings
from registration import clock, security_log
from registration.domain import accounts, desk_sessions, second_factor
from registration.errors import Refusal
from registration.extensions import writing
from registration.models import OrganizerSession
from registration.web import access
from registration.web.organizer.desk import asks_for_password, blueprint
from registration.web.organizer.events import organizer
from registration.web.organizer.password_forms import CodeForm, EndFactorForm, OwnPasswordForm

Answer = tuple[str, int] | Response
PAGE = "/account/second-factor/"


@blueprint.get(PAGE, endpoint="second_factor")
def page() -> Answer:
    """Say whether there is one, and what comes next."""
    return _page()


@blueprint.post(PAGE, endpoint="begin_second_factor")
@asks_for_password
def begin() -> Answer:
    """Give this session a secret for an app, for the password, however lately that was typed."""
    form = OwnPasswordForm()
    if not form.validate():
        return _page(form)
    try:
        with writing():
            second_factor.begin(_session(), now=clock.now())
    except Refusal as refusal:
        flash(str(refusal), "error")
    return redirect(url_for("organizer.second_factor"), 303)


@blueprint.post(f"{PAGE}confirm/", endpoint="confirm_second_factor")
@asks_for_password
def confirm() -> Answer:
    """Switch it on, end all other sessions, and show the recovery codes in this answer alone."""
    form = CodeForm()
    if not form.validate():
        return _page(form)
    try:
        with writing():
            codes = second_factor.confirm(_session(), form.code.data or "", now=clock.now())
            desk_sessions.end_others(organizer(), _session())
    except Refusal as refusal:
        return _refused(form, refusal)
    security_log.done("second_factor_on", account=organizer().public_id)
    return render_template("organizer/recovery_codes.html", codes=codes), 200


@blueprint.post(f"{PAGE}off/", endpoint="end_second_factor")
@asks_for_password
def end() -> Answer:
    """Switch it off, for the password and a code: neither an open session nor the password alone is enough."""
    form = EndFactorForm()
    if not form.validate():
        return _page(form)
    who = organizer()
    try:
        with writing():
            second_factor.switch_off(who, form.code.data or "", now=clock.now())
    except Refusal as refusal:
        return _refused(form, refusal)
    security_log.done("second_factor_off", account=who.public_id)
    flash(_("The second factor is switched off."))
    return redirect(url_for("organizer.second_factor"), 303)


def _session() -> OrganizerSession:
    return access.current_session() or abort(403)


def _refused(form: CodeForm | EndFactorForm, refusal: Refusal) -> Answer:
    security_log.refused("code_refused", account=organizer().public_id)
    form.code.errors = [str(refusal)]
    return _page(form)


def _page(form: FlaskForm | None = None) -> Answer:
    """Show what comes next, with the faults of the form that was sent, unless another window has been faster."""
    who, session = organizer(), _session()
    is_on, secret = second_factor.is_on(who), second_factor.pending_secret(session, now=clock.now())
    expected = EndFactorForm if is_on else CodeForm if secret else OwnPasswordForm
    if type(form) is not expected:
        if form is not None:
            flash(_("This has been changed in the meantime: here is how it stands."))
        form = expected(None)
    app = second_factor.address_for_app(secret, account=accounts.address_of(who), service=_service()) if secret else ""
    html = render_template(
        "organizer/second_factor.html",
        form=form,
        is_on=is_on,
        codes_left=second_factor.recovery_codes_left(who),
        secret=secret,
        app=app,
        drawn=_drawn(app) if app else None,
    )
    return html, 422 if form.errors else 200


def _service() -> str:
    settings: Settings = current_app.config["PLENARY"]
    return f"Plenary {urlsplit(settings.public_url).hostname}"


def _drawn(text: str) -> tuple[int, str]:
    """The QR code of a text: its width in squares, and the dark ones as the path of an SVG."""
    rows = segno.make(text, micro=False).matrix
    dark = ((x, y) for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark)
    return len(rows), "".join(f"M{x} {y}h1v1h-1z" for x, y in dark)
