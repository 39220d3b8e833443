"""The lost link: an address gets it again, and the page tells nobody whether it is known."""

from __future__ import annotations

import pytest
from flask import Flask

from registration.models import Event
from registration.models.event import EventState
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import (
    AMINA,
    FIND,
    MINUTE,
    SLUG,
    change,
    empty_tray,
    link_in,
    load_dialogue,
    sign_up,
    take_part,
    work,
)
from tests.support.smtp import MailServer

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


def find(client: Client, address: str = AMINA) -> str:
    """Ask for the link to an address; answers with the heading of the page that follows. The worker has taken it in
    hand, and has sent no mail."""
    heading = client.submit(client.page(FIND).form(), address=address).heading
    empty_tray(client.application)
    return heading


@pytest.mark.parametrize("typed", [AMINA, "AMINA@Example.ORG", f"  {AMINA} "])
def test_a_registered_address_gets_the_link_to_its_own_page(
    app: Flask, client: Client, smtp: MailServer, typed: str
) -> None:
    own = link_in(take_part(client, smtp), "/my/")
    smtp.clear()
    assert find(client, typed) == "Look at your mail"
    assert work(app) == 1
    (mail,) = smtp.mails
    assert (mail.recipients, mail.subject.partition(":")[0], link_in(mail, "/my/")) == ((AMINA,), "Your link", own)


def test_asking_again_within_ten_minutes_brings_no_second_mail(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock
) -> None:
    take_part(client, smtp)
    find(client)
    clock.advance(9 * MINUTE)
    find(client)
    # A sign-up with the address of somebody registered brings the same link, so both count.
    sign_up(client, name="Stranger")
    assert work(app) == 1
    clock.advance(MINUTE)
    find(client)
    assert work(app) == 1


def test_an_address_that_is_not_proved_yet_gets_the_link_that_proves_it(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock
) -> None:
    sign_up(client)
    work(app)
    first = link_in(smtp.last_to(AMINA), "/prove/")
    clock.advance(10 * MINUTE)
    find(client)
    work(app)
    assert [link_in(mail, "/prove/") for mail in smtp.mails] == [first, first]


def test_an_unknown_address_gets_nothing_and_the_same_answer(app: Flask, client: Client, smtp: MailServer) -> None:
    def answered(address: str) -> tuple[int, str, list[tuple[str, str]], bytes]:
        response = app.test_client().post(FIND, data={"address": address})
        return response.status_code, response.headers["Location"], sorted(response.headers), response.data

    take_part(client, smtp)
    smtp.clear()
    assert answered("nobody@example.org") == answered(AMINA)
    work(app)
    assert [mail.recipients for mail in smtp.mails] == [(AMINA,)]


@SQLITE
def test_a_cancelled_registration_can_be_found_too(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    client.submit(client.page("/my/").form("form[action='/my/cancel/']"))
    work(app)
    find(client)
    work(app)
    page = client.page(link_in(smtp.last_to(AMINA), "/my/"))
    assert page.texts(".state") == ["You have cancelled your registration."]


@SQLITE
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Write the mail address you signed up with."),
        ("   ", "Write the mail address you signed up with."),
        ("amina", "This is not a mail address; write it like name@example.org."),
        ("a@example.org, b@example.org", "This is not a mail address; write it like name@example.org."),
    ],
)
def test_what_is_no_address_is_refused_beside_the_field(client: Client, typed: str, said: str) -> None:
    page = client.submit(client.page(FIND).form(), 422, address=typed)
    assert page.error_of("address") == said
    assert page.form().values["address"] == typed.strip()


@SQLITE
def test_a_draft_has_no_such_page(app: Flask, client: Client) -> None:
    change(app, Event, SLUG, state=EventState.DRAFT)
    assert [client.get(FIND).status_code, client.post(FIND, data={"address": AMINA}).status_code] == [404, 404]
