"""The name for vetting, as the person at risk meets it: asked for, shown back once, and in nothing that is sent."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from registration.domain.vetting import vetting_name
from registration.extensions import db
from registration.models import Category, Event, Registration
from registration.models.event import Entry
from tests.support.client import Client
from tests.support.dialogue import AMINA, REGISTER, SLUG, change, link_in, load_dialogue, sign_up, take_part, work
from tests.support.smtp import MailServer

CATEGORY = "victims-survivors"
NAME = "Marked Vetting Name"
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app, invitations=True)


@SQLITE
def test_it_is_asked_for_where_the_category_vets_and_nowhere_else(client: Client) -> None:
    page = client.page(f"{REGISTER}{CATEGORY}/")
    labels = [page.texts(f"label[for={name}]") for name in ("name", "vetting_name")]
    assert labels == [["Name for lists"], ["Name for vetting"]]
    assert page.texts("#vetting_name-help") == [
        "Your full name. Read only by those who review registrations, in no list, and erased when yours is decided on."
    ]
    assert "vetting_name" not in client.page(f"{REGISTER}youth/").form().names()


@SQLITE
def test_its_help_says_so_where_the_event_keeps_it(app: Flask, client: Client) -> None:
    change(app, Event, SLUG, keeps_vetting_names=True)
    (told,) = client.page(f"{REGISTER}{CATEGORY}/").texts("#vetting_name-help")
    assert told.endswith("and erased with all your data.")


@SQLITE
def test_without_it_nobody_is_signed_up(app: Flask, client: Client) -> None:
    page = client.parsed(sign_up(client, CATEGORY, vetting_name=" "), 422)
    assert page.error_of("vetting_name").endswith("Write the name by which your registration is reviewed.")


@SQLITE
def test_one_that_is_not_asked_for_is_not_kept(app: Flask, client: Client) -> None:
    sign_up(client, "youth", vetting_name=NAME)
    work(app)
    with app.app_context():
        assert [vetting_name(one) for one in db.session.scalars(select(Registration))] == [""]


def test_it_is_never_shown_again_and_is_in_nothing_that_is_sent(app: Flask, client: Client, smtp: MailServer) -> None:
    """Also where it is kept, and the person gets invitations at once."""
    change(app, Event, SLUG, keeps_vetting_names=True)
    change(app, Category, CATEGORY, entry=Entry.OPEN)
    sign_up(client, CATEGORY, vetting_name=NAME)
    work(app)
    page = client.page(link_in(smtp.last_to(AMINA), "/prove/"))
    assert "Given; those who review alone can read it." in page.texts("dd")
    assert NAME not in str(page.html)
    take_part(client, smtp, CATEGORY, vetting_name=NAME)
    with app.app_context():
        assert [vetting_name(one) for one in db.session.scalars(select(Registration))] == [NAME]
    assert NAME not in client.page("/my/").text
    parts = [part.get_payload(decode=True) or b"" for mail in smtp.mails for part in mail.message.walk()]
    assert any(b"BEGIN:VCALENDAR" in part for part in parts)
    assert [part for part in parts if NAME.encode() in part] == []
