"""Signing up, proving the address, asking for a lost link.

Nothing here has authority before the address is proved, so there is no session and no CSRF token; the same page follows
a form whatever is known of the address.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from registration import clock
from registration.domain import erasure, openness, privacy, proofs, signup, submissions
from registration.domain.catalogue import category_of
from registration.domain.link_keys import LinkKind, registration_of
from registration.domain.personal import open_personal
from registration.domain.programme import open_sessions
from registration.extensions import limiter, writing
from registration.models import Category, Event
from registration.models.registration import RegistrationState
from registration.web import limits
from registration.web.access import visible_event
from registration.web.clock_words import clock_lines
from registration.web.participant import remember
from registration.web.signup_form import FindForm, SignUpForm, form_for, question_fields

blueprint = Blueprint("signup", __name__)


@blueprint.get("/events/<slug:event_slug>/register/")
def categories(event_slug: str) -> str:
    """Show the categories to choose from."""
    event = visible_event(event_slug)
    return render_template("signup/categories.html", event=event, openness=openness.shown(event), window=_window(event))


@blueprint.get("/events/<slug:event_slug>/register/<slug:category_slug>/")
def register(event_slug: str, category_slug: str) -> str:
    """Show the form of one category."""
    category = _category(event_slug, category_slug)
    return _form_page(category, form_for(category))


@blueprint.post("/events/<slug:event_slug>/register/<slug:category_slug>/")
@limiter.limit(limits.FORMS)
def submit(event_slug: str, category_slug: str) -> tuple[str, int] | Response:
    """Take a sign-up, which the worker answers: nothing here looks whether the address is known."""
    category = _category(event_slug, category_slug)
    form = form_for(category)
    if _window(category.event) is not signup.Window.OPEN:
        return _form_page(category, form), 409
    if not form.validate():
        return _form_page(category, form), 422
    typed = form.to_sign_up(category)
    limits.count_sign_up(typed.personal.address, signup.claim_of(category, typed))
    with writing():
        submissions.take_sign_up(category, typed, now=clock.now())
    return redirect(url_for("signup.sent", event_slug=event_slug), 303)


@blueprint.get("/events/<slug:event_slug>/register/sent/")
def sent(event_slug: str) -> str:
    """Say "look at your mail": the same page for everybody."""
    return render_template("signup/sent.html", event=visible_event(event_slug), hours=_proof_hours())


@blueprint.get("/events/<slug:event_slug>/find/")
def find(event_slug: str) -> str:
    """Ask for the address a link should go to."""
    return render_template("signup/find.html", event=visible_event(event_slug), form=FindForm(formdata=None))


@blueprint.post("/events/<slug:event_slug>/find/")
@limiter.limit(limits.FORMS)
@limiter.limit(limits.LOST_LINKS, key_func=limits.typed_address, exempt_when=limits.nothing_typed)
def send_link(event_slug: str) -> tuple[str, int] | Response:
    """Take what asks for a link, which the worker answers if the address is known; say the same in any case."""
    event = visible_event(event_slug)
    form = FindForm()
    if not form.validate():
        return render_template("signup/find.html", event=event, form=form), 422
    with writing():
        submissions.take_find(event, form.address.address, now=clock.now())
    return redirect(url_for("signup.found", event_slug=event_slug), 303)


@blueprint.get("/events/<slug:event_slug>/find/sent/")
def found(event_slug: str) -> str:
    """Say that a link is on its way if there is one: the same page for everybody."""
    return render_template("signup/found.html", event=visible_event(event_slug))


@blueprint.get("/prove/<key:key>/")
def prove_page(key: str) -> str:
    """Show what was typed, and the button that proves the address. Opening the page proves nothing: scanners do."""
    registration = registration_of(key, LinkKind.PROVE)
    event = visible_event(registration.event.slug)
    if registration.state is not RegistrationState.UNVERIFIED:
        return render_template("signup/proved_already.html", event=event)
    return render_template(
        "signup/prove.html",
        event=event,
        registration=registration,
        personal=open_personal(registration),
    )


@blueprint.post("/prove/<key:key>/")
@limiter.limit(limits.FORMS)
def prove(key: str) -> Response:
    """Prove the address and go to the participant's own page."""
    with writing():
        registration = signup.prove(registration_of(key, LinkKind.PROVE), now=clock.now())
        return remember(redirect(url_for("participant.own"), 303), registration)


@blueprint.post("/prove/<key:key>/erase/")
@limiter.limit(limits.FORMS)
def erase_unproved(key: str) -> Response:
    """Delete a sign-up that somebody else has made with this address."""
    with writing():
        erasure.erase_unproved(registration_of(key, LinkKind.PROVE), now=clock.now())
    return redirect(url_for("own_data.sign_up_erased"), 303)


def _category(event_slug: str, category_slug: str) -> Category:
    return category_of(visible_event(event_slug), category_slug)


def _form_page(category: Category, form: SignUpForm) -> str:
    """Draw the form with what was typed and, beside each field, what is wrong with it."""
    return render_template(
        "signup/register.html",
        event=category.event,
        category=category,
        form=form,
        offered=open_sessions(category.event),
        questions=question_fields(form, category),
        openness=openness.shown(category.event)[category.slug],
        window=_window(category.event),
        forget_at=privacy.forget_at(category.event),
        clocks=clock_lines(category.event, now=clock.now()),
    )


def _window(event: Event) -> signup.Window:
    return signup.window(event, now=clock.now())


def _proof_hours() -> int:
    return round(proofs.PROOF_TIME.total_seconds() / 3600)
