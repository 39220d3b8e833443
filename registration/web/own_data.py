"""What somebody can do about their data: take a copy of all of it, erase all of it at once."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response

from registration import clock
from registration.domain import erasure
from registration.domain.clocks import forget_at
from registration.domain.copies import copy_of
from registration.extensions import writing
from registration.web.answer_words import answer_text
from registration.web.clock_words import clock_lines
from registration.web.copy_words import REPLIES, ROLES, STANDINGS, STATES, column_label
from registration.web.organizer.mail_words import fate_text, mail_name, reason_text
from registration.web.participant import own_registration, without_key

blueprint = Blueprint("own_data", __name__)


@blueprint.get("/my/copy/")
def copy() -> Response:
    """Give one file with all that is held, which can be read without us; its name tells nothing."""
    registration = own_registration()
    page = render_template(
        "participant/copy.html",
        event=registration.event,
        copy=copy_of(registration),
        made_at=clock.now(),
        forget_at=forget_at(registration.event),
        clocks=clock_lines(registration.event, now=clock.now()),
        answer_text=answer_text,
        column_label=column_label,
        fate_text=fate_text,
        mail_name=mail_name,
        reason_text=reason_text,
        REPLIES=REPLIES,
        ROLES=ROLES,
        STANDINGS=STANDINGS,
        STATES=STATES,
    )
    response = make_response(page)
    response.headers["Content-Disposition"] = "attachment; filename=my-data.html"
    return response


@blueprint.get("/my/erase/")
def erase_page() -> str:
    """Say what erasing means, and ask once."""
    return render_template("participant/erase.html", event=own_registration().event)


@blueprint.post("/my/erase/")
def erase() -> Response:
    """Erase everything at once; this device forgets the key too."""
    with writing():
        erasure.erase(own_registration(), by_link=True, now=clock.now())
    return without_key(redirect(url_for("own_data.erased"), 303))


@blueprint.get("/erased/", defaults={"proved": True})
@blueprint.get("/erased/sign-up/", defaults={"proved": False}, endpoint="sign_up_erased")
def erased(*, proved: bool) -> str:
    """Say that it is done; the page names no event and no person."""
    return render_template("participant/erased.html", proved=proved)
