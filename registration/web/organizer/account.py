"""An organizer's own account: another password, and the sessions that are open (ASVS 5.0, 6.2.2, 7.4.3, 7.5.2)."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from registration import clock, security_log
from registration.domain import accounts, desk_sessions, passwords, second_factor
from registration.errors import Refusal
from registration.extensions import writing
from registration.models import Organizer
from registration.web import access, limits
from registration.web.organizer.desk import asks_for_password, blueprint
from registration.web.organizer.events import organizer
from registration.web.organizer.password_forms import NewPasswordForm, OwnPasswordForm

Answer = str | tuple[str, int] | Response


@blueprint.get("/account/")
def account() -> Answer:
    """Show where one is signed in, and the form for another password."""
    return _page(NewPasswordForm(), OwnPasswordForm(prefix="end-"))


@blueprint.post("/account/password/")
@asks_for_password
def change_password() -> Answer:
    """Set another password, which ends every session; this browser gets a new one."""
    form = NewPasswordForm()
    if not form.validate():
        return _page(form, OwnPasswordForm(None, prefix="end-"))
    try:
        with limits.hashing():
            password_hash = passwords.hash_of(form.password.data or "", accounts.address_of(organizer()))
    except Refusal as refusal:
        form.password.errors = [str(refusal)]
        return _page(form, OwnPasswordForm(None, prefix="end-"))
    who = organizer()
    with writing():
        accounts.set_password(who, password_hash)
        token = desk_sessions.start(who, now=clock.now())
    access.sign_in(token)
    security_log.done("password_changed", account=who.public_id)
    flash(_("Your password is changed, and you are signed out everywhere else."))
    return redirect(url_for("organizer.account"), 303)


@blueprint.post("/account/sessions/")
@asks_for_password
def end_sessions() -> Answer:
    """End all sessions of the account but this one."""
    form = OwnPasswordForm(prefix="end-")
    if not form.validate():
        return _page(NewPasswordForm(None), form)
    with writing():
        desk_sessions.end_others(organizer(), access.current_session() or abort(403))
    security_log.done("other_sessions_ended", account=organizer().public_id)
    flash(_("You are signed out everywhere else."))
    return redirect(url_for("organizer.account"), 303)


def _page(form: NewPasswordForm, ending: OwnPasswordForm) -> Answer:
    who: Organizer = organizer()
    html = render_template(
        "organizer/account.html",
        form=form,
        ending=ending,
        address=accounts.address_of(who),
        sessions=desk_sessions.sessions_of(who, now=clock.now()),
        own=access.current_session(),
        has_factor=second_factor.is_on(who),
    )
    return html, 422 if form.errors or ending.errors else 200
