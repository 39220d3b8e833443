"""Announcements as organizers write and send them at their desk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from registration.extensions import db
from registration.models import Delivery
from registration.models.delivery import DeliveryKind, DeliveryState
from registration.models.registration import RegistrationState as State
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import work
from tests.support.organizers import DESK, add_person
from tests.support.pages import Form, Page
from tests.support.smtp import MailServer

ALL = f"{DESK}announcements/"
FORM = "form.session-form"
WORDS = {"subject_en": "The doors", "text_en": "Please note:\n\nthe doors open at nine."}
SECOND = timedelta(seconds=1)


def write(desk: Client, status: int = 200, /, **values: Any) -> Page:
    """Write a draft in the form; answers with the page that follows."""
    return desk.submit(desk.page(f"{ALL}new").form(FORM), status, **{**WORDS, **values})


def announce(desk: Client, **values: Any) -> Page:
    """Write a draft and send it, by way of the page that asks once more; answers with its page."""
    return desk.submit(desk.page(write(desk, **values).link("Send")).form())


def button(page: Page, words: str) -> Form:
    """The form whose button says this."""
    found = [one for one in page.all("main form") if words in [button.get_text().strip() for button in one("button")]]
    assert len(found) == 1, f"{len(found)} buttons read {words!r}"
    return Form(page, found[0])


def leave(app: Flask, clock: FakeClock) -> None:
    """Let a minute pass, and the worker do what is due."""
    clock.advance(60 * SECOND)
    work(app)


def add(app: Flask, name: str, *args: Any, **values: Any) -> str:
    """Somebody on the list, with an address that says who it is. Returns the public id."""
    with app.app_context():
        return add_person(name, *args, address=f"{name.lower()}@example.org", **values)


def add_crowd(app: Flask) -> None:
    """People who differ in state, category, sessions and language."""
    add(app, "Amina", "youth", sessions=("human-rights",))
    add(app, "Bo", "youth", sessions=("civil-society",), language="fr")
    add(app, "Chi", "experts", sessions=("human-rights", "civil-society"), language="ar")
    add(app, "Dan", "experts", State.IN_REVIEW, sessions=("human-rights",))
    add(app, "Eve", "women-led", State.CANCELLED)
    add(app, "Fay", "youth", State.UNVERIFIED, sessions=("human-rights",))


def reached(smtp: MailServer) -> list[str]:
    """Who got a mail, by name."""
    return sorted(recipient.partition("@")[0] for mail in smtp.mails for recipient in mail.recipients)


def mail_states(app: Flask) -> list[DeliveryState]:
    """How the mails of announcements stand."""
    with app.app_context():
        query = select(Delivery.state).where(Delivery.kind == DeliveryKind.ANNOUNCEMENT).order_by(Delivery.id)
        return list(db.session.execute(query).scalars())


def facts(page: Page, section: str = "main") -> dict[str, str]:
    """{what: which} of the lists of a page."""
    return dict(zip(page.texts(f"{section} .facts dt"), page.texts(f"{section} .facts dd"), strict=True))
