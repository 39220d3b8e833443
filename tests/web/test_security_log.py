"""What the guards decided is logged: when, what, whose account by number; nothing that was typed."""

from __future__ import annotations

import logging
import re

import pytest
from flask import Flask
from sqlalchemy import select

from registration.extensions import db
from registration.models import Organizer
from registration.models.organizer import Role
from tests.support.client import Client
from tests.support.dialogue import FIND, load_dialogue
from tests.support.organizers import DESK, EXPORT, PASSWORD, at_desk, make_organizer, set_password

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OWNER = "owner@example.org"
SIGN_IN = "/organizer/sign-in/"
LINE = re.compile(r"2026-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00 (.*)")


@pytest.fixture
def number(app: Flask, caplog: pytest.LogCaptureFixture) -> int:
    """The number of an owner's account."""
    load_dialogue(app)
    with app.app_context():
        make_organizer(OWNER, Role.OWNER)
        set_password(OWNER)
        found = db.session.scalars(select(Organizer.id)).one()
    caplog.set_level(logging.INFO, "plenary.security")
    return found


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged of security, each behind its time in UTC."""
    told = [one.getMessage() for one in caplog.records if one.name == "plenary.security"]
    return [found[1] for line in told if (found := LINE.fullmatch(line))]


def test_each_try_to_sign_in_and_each_end_is_logged_by_account(
    client: Client, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    form = client.page(SIGN_IN).form()
    client.submit(form, 422, address=OWNER, password="seven lanterns under ice")
    home = client.submit(form, address=OWNER, password=PASSWORD)
    client.submit(home.form("header form"))
    assert lines(caplog) == [
        "not signed in: account=- page=organizer.sign_in method=POST",
        f"signed in by password: account={number} page=organizer.sign_in method=POST",
        f"signed out: account={number} page=organizer.sign_out method=POST",
    ]


def test_what_a_role_does_not_allow_is_logged(app: Flask, number: int, caplog: pytest.LogCaptureFixture) -> None:
    viewer = at_desk(app, Role.VIEWER)
    viewer.get(EXPORT)
    viewer.get(DESK.replace("dialogue-next", "no-such-event"))
    assert lines(caplog) == [
        f"refused: not allowed: account={number + 1} page=organizer.export method=GET",
        f"refused: not there, or nothing of this account's: account={number + 1} page=organizer.event method=GET",
    ]


@pytest.mark.usefixtures("number")
def test_what_is_tried_past_the_guards_is_logged_without_a_word_of_it(
    app: Flask, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.post(SIGN_IN, data={"address": OWNER, "password": "forged\r\n2026 signed in"})
    client.post(FIND, data={"address": "x" * 300_000})
    client.open(FIND, method="DELETE")
    form = client.page(SIGN_IN).form()
    for _try in range(11):
        client.send(form, address="no address", password="forged")
    assert lines(caplog)[:3] == [
        "refused: not readable, or without the form's token: account=- page=organizer.sign_in method=POST",
        "refused: too large: account=- page=signup.send_link method=POST",
        "refused: not this method: account=- page=- method=DELETE",
    ]
    assert lines(caplog)[-1] == "refused: too many tries: account=- page=organizer.sign_in method=POST"
    assert [one for one in caplog.records if "\n" in one.getMessage() or OWNER in one.getMessage()] == []
