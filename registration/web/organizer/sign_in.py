"""Signing in and out, and the one-time link that sets a password."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from registration import clock
from registration.domain import accounts
from registration.errors import Refusal
from registration.extensions import writing
from registration.web import access
from registration.web.organizer.desk import asks_for_password, blueprint
from registration.web.organizer.forms import PasswordForm, SignInForm

Answer = str | tuple[str, int] | Response


@blueprint.route("/sign-in/", methods=["GET", "POST"])
@asks_for_password
def sign_in() -> Answer:
    """Ask for address and password; then go where one wanted to."""
    form = SignInForm()
    if form.validate_on_submit():
        try:
            organizer = accounts.check_sign_in(form.address.data or "", form.password.data or "")
        except Refusal as refusal:
            form.form_errors.append(str(refusal))
        else:
            access.sign_in(organizer)
            return redirect(_wanted(), 303)
    page = render_template("organizer/sign_in.html", form=form, next=request.args.get("next"))
    return page, 422 if form.errors else 200


@blueprint.post("/sign-out/")
def sign_out() -> Response:
    """End the session."""
    access.sign_out()
    flash(_("You are signed out."))
    return redirect(url_for("organizer.sign_in"), 303)


@blueprint.route("/password/<key:key>/", methods=["GET", "POST"])
@asks_for_password
def password(key: str) -> Answer:
    """Let whoever has the one-time link set the password of its account."""
    organizer = accounts.organizer_of_key(key, now=clock.now())
    form = PasswordForm()
    if form.validate_on_submit():
        try:
            password_hash = accounts.password_hash_of(form.password.data or "", accounts.address_of(organizer))
            with writing():
                accounts.set_password(accounts.organizer_of_key(key, now=clock.now()), password_hash)
        except Refusal as refusal:
            if refusal.field is None:
                raise
            form.password.errors = [str(refusal)]
        else:
            flash(_("The password is set; sign in with it."))
            return redirect(url_for("organizer.sign_in"), 303)
    page = render_template("organizer/password.html", form=form, key=key, address=accounts.address_of(organizer))
    return page, 422 if form.errors else 200


def _wanted() -> str:
    """Return the page of ours to go to after signing in."""
    wanted = request.args.get("next", "")
    return wanted if access.is_own_path(wanted) else url_for("organizer.home")
