"""Signing in and out, and the one-time link that sets a password."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response

from registration import clock, security_log
from registration.domain import accounts, passwords, second_factor
from registration.domain.accounts import WrongCode
from registration.errors import Refusal
from registration.extensions import writing
from registration.models import Organizer
from registration.web import access, devices, errors, headers, limits
from registration.web.organizer.desk import asks_for_password, blueprint, who_tries
from registration.web.organizer.password_forms import PasswordForm, SignInForm

Answer = str | tuple[str, int] | tuple[str, int, dict[str, str]] | Response
LINK_KEY = "link_key"
"""Where the browser's session keeps the key of a one-time link until the password is set."""
SIGN_IN = "organizer.sign_in"


@blueprint.route("/sign-in/", methods=["GET", "POST"])
@asks_for_password
def sign_in() -> Answer:
    """Ask for address, password and code; then go where one wanted to."""
    form = SignInForm()
    if form.validate_on_submit():
        try:
            organizer = _let_in(form)
        except Refusal as refusal:
            form.form_errors.append(str(refusal))
        else:
            security_log.done("sign_in", account=organizer.public_id)
            return devices.remember(redirect(_wanted(), 303), accounts.address_of(organizer))
    return _sign_in_page(form), 422 if form.errors else 200


@blueprint.errorhandler(TooManyRequests)
def too_many(error: TooManyRequests) -> Answer:
    """Say on the sign-in page itself how long to wait; elsewhere as everywhere."""
    if request.endpoint != SIGN_IN:
        return errors.too_many(error)
    form = SignInForm()
    sentence, told = errors.slowed(error)
    form.form_errors.append(sentence)
    return _sign_in_page(form), 429, told


@blueprint.post("/sign-out/")
def sign_out() -> Response:
    """End the session."""
    organizer = access.current_organizer()
    security_log.done("sign_out", account=organizer.public_id if organizer else None)
    access.sign_out()
    flash(_("You are signed out."))
    return headers.forget_here(redirect(url_for(SIGN_IN), 303))


@blueprint.get("/password/<key:key>/")
def password(key: str) -> Response:
    """Exchange the key in the one-time link for a cookie at once, so that the address shows no key any more."""
    accounts.organizer_of_key(key, now=clock.now())
    session[LINK_KEY] = key
    return redirect(url_for("organizer.set_password"), 303)


@blueprint.route("/password/", methods=["GET", "POST"])
@asks_for_password
def set_password() -> Answer:
    """Let whoever has opened the one-time link set the password of its account."""
    key = session.get(LINK_KEY, "")
    organizer = accounts.organizer_of_key(key, now=clock.now())
    address = accounts.address_of(organizer)
    form = PasswordForm()
    if form.validate_on_submit():
        try:
            with limits.hashing():
                password_hash = passwords.hash_of(form.password.data or "", address)
            with writing():
                accounts.set_password(accounts.organizer_of_key(key, now=clock.now()), password_hash)
        except Refusal as refusal:
            if refusal.field is None:
                raise
            form.password.errors = [str(refusal)]
        else:
            session.pop(LINK_KEY)
            security_log.done("password_set", account=organizer.public_id)
            flash(_("The password is set; sign in with it."))
            return devices.remember(redirect(url_for(SIGN_IN), 303), address)
    page = render_template("organizer/password.html", form=form, address=address)
    return page, 422 if form.errors else 200


def _let_in(form: SignInForm) -> Organizer:
    """Begin the session of whoever signs in. Raises as `_check`."""
    typed, code = form.address.data or "", form.code.data or ""
    who = f"{limits.typed_address()}/{who_tries()}"
    organizer = _check(typed, form.password.data or "", code, who)
    checked, before = organizer.password_hash, second_factor.recovery_codes_left(organizer)
    with writing():
        token = accounts.start_session(organizer, checked, code, now=clock.now())
        is_recovery = second_factor.recovery_codes_left(organizer) < before
    access.sign_in(token)
    limits.forget_tries(who)
    if is_recovery:
        security_log.done("recovery_code_used", account=organizer.public_id)
    return organizer


def _check(typed: str, password: str, code: str, who: str) -> Organizer:
    """Return whose address, password and code these are. Raises Refusal, after the same time whatever is wrong, and
    TooManyRequests."""
    with limits.hashing():
        limits.take_try(who)
        if devices.known_as(typed) is None:
            limits.take_strange_try(limits.typed_address())
        try:
            return accounts.check_sign_in(typed, password, code, now=clock.now())
        except Refusal as refusal:
            what = "code_refused" if isinstance(refusal, WrongCode) else "sign_in_failed"
            security_log.refused(what, account=accounts.public_id_with(typed))
            raise


def _sign_in_page(form: SignInForm) -> str:
    return render_template("organizer/sign_in.html", form=form, next=request.args.get("next"))


def _wanted() -> str:
    """Return the page of ours to go to after signing in."""
    wanted = request.args.get("next", "")
    return wanted if access.is_own_path(wanted) else url_for("organizer.home")
