"""The proof of an address: the mailed link opens a page, the button on it counts."""

from __future__ import annotations

import pytest
from flask import Flask

from registration.domain.proofs import PROOF_TIME
from registration.models import Category, Event
from registration.models.event import EventState
from registration.models.registration import RegistrationState as State
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import (
    AMINA,
    MINUTE,
    SLUG,
    change,
    link_in,
    load_dialogue,
    rows,
    sign_up,
    take_part,
    work,
)
from tests.support.smtp import MailServer

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


@pytest.fixture
def link(app: Flask, client: Client, smtp: MailServer) -> str:
    """The path of the link that Amina got after her sign-up."""
    sign_up(client)
    work(app)
    return link_in(smtp.last_to(AMINA), "/prove/")


@SQLITE
def test_the_link_shows_what_was_typed_and_proves_nothing_by_itself(app: Flask, client: Client, link: str) -> None:
    for _scanner in range(3):
        page = client.page(link)
    assert page.texts("dd")[:2] == ["Amina", "Youth"]
    assert page.texts("dd li") == [
        "Opening session and discussion",
        "Discussion, premiere of “VictimA” and closing session",
    ]
    assert page.texts("main button") == ["Yes, this is me", "This was not me: delete it"]
    assert rows(app) == [("youth", State.UNVERIFIED)]
    assert work(app) == 0


def test_the_button_proves_the_address_and_opens_the_own_page(app: Flask, client: Client, link: str) -> None:
    response = client.send(client.page(link).form())
    assert (response.status_code, response.headers["Location"]) == (303, "/my/")
    assert rows(app) == [("youth", State.CONFIRMED)]
    assert client.page("/my/").texts(".state") == ["You are registered."]


@SQLITE
def test_the_own_pages_cookie_is_out_of_reach_of_scripts_and_other_sites(client: Client, link: str) -> None:
    (cookie,) = client.post(link).headers.getlist("Set-Cookie")
    name, *attributes = cookie.split("; ")
    assert name.startswith("__Host-my=")
    assert {one for one in attributes if not one.startswith("Expires")} == {
        "HttpOnly",
        "Secure",
        "SameSite=Lax",
        "Path=/",
        "Max-Age=5184000",
    }


@pytest.mark.parametrize(
    ("category", "told"),
    [
        ("youth", ("You are registered", State.CONFIRMED)),
        ("member-states", ("Your registration is being reviewed", State.IN_REVIEW)),
    ],
)
def test_what_follows_is_as_the_category_lets_people_in(
    app: Flask, client: Client, smtp: MailServer, category: str, told: tuple[str, State]
) -> None:
    subject = take_part(client, smtp, category).subject.partition(":")[0]
    assert [(subject, state) for _category, state in rows(app)] == [told]


def test_who_finds_all_places_taken_waits_and_is_told_where_they_stand(
    app: Flask, client: Client, smtp: MailServer
) -> None:
    change(app, Category, "youth", places=1)
    take_part(app.test_client(), smtp, address="first@example.org")
    take_part(app.test_client(), smtp, address="second@example.org")
    mail = take_part(client, smtp)
    assert "you are number 2 on the waiting list" in mail.text
    assert "You are number 2 on the waiting list" in client.page("/my/").text


@SQLITE
def test_the_confirmation_says_first_when_then_where_and_last_how_to_change(client: Client, smtp: MailServer) -> None:
    mail = take_part(client, smtp)
    site = client.public_url
    assert mail.text.split("\r\n\r\n")[:5] == [
        "Dear Amina,",
        "You are registered for “Virtual Dialogue with Human Rights and Civil Society Partners on Building a Better "
        "Paradigm to Prevent and Counter Terrorism”. These are your times:",
        "Opening session and discussion\r\n"
        "  Tuesday, 26 May 2026, 19:45 – 23:00 (Kathmandu, UTC+5:45)\r\n"
        "  Tuesday, 26 May 2026, 10:00 – 13:15 (New York, UTC−4)\r\n"
        "  Tuesday, 26 May 2026, 14:00 – 17:15 (UTC)\r\n"
        f"Watch page: {site}/events/dialogue-next/sessions/human-rights/\r\n"
        "UN Web TV: https://webtv.un.org/",
        "Discussion, premiere of “VictimA” and closing session\r\n"
        "  Wednesday, 27 May 2026, 18:45 – 22:15 (Kathmandu, UTC+5:45)\r\n"
        "  Wednesday, 27 May 2026, 09:00 – 12:30 (New York, UTC−4)\r\n"
        "  Wednesday, 27 May 2026, 13:00 – 16:30 (UTC)\r\n"
        f"Watch page: {site}/events/dialogue-next/sessions/civil-society/\r\n"
        "UN Web TV: https://webtv.un.org/",
        "The attached calendar files put the sessions into your calendar at the right time, wherever you are; "
        "leave them if you use your feed.",
    ]
    assert [part.get_filename() for part in mail.message.iter_attachments()] == [
        "dialogue-next-human-rights.ics",
        "dialogue-next-civil-society.ics",
    ]
    assert mail.html.index("19:45") < mail.html.index("sessions/human-rights") < mail.html.index("/my/")
    assert mail.text.index("webtv.un.org") < mail.text.index("/my/")


@SQLITE
def test_a_calendar_file_in_a_mail_carries_no_personal_link(client: Client, smtp: MailServer) -> None:
    mail = take_part(client, smtp)
    key = link_in(mail, "/my/").split("/")[2]
    files = [part.get_content() for part in mail.message.iter_attachments()]
    assert [(key in file, AMINA in file, "/my/" in file) for file in files] == [(False, False, False)] * 2


@SQLITE
def test_every_mail_says_it_is_written_by_a_machine_and_answers_go_to_the_organizers(
    client: Client, smtp: MailServer
) -> None:
    take_part(client, smtp)
    headers = ("From", "Reply-To", "Auto-Submitted", "Content-Language")
    assert [tuple(mail.message[name] for name in headers) for mail in smtp.mails] == [
        ('"Dialogue team (sample)" <dialogue@example.org>', "dialogue@example.org", "auto-generated", "en")
    ] * 2


def test_a_link_is_good_for_two_days(app: Flask, client: Client, clock: FakeClock, link: str) -> None:
    page = client.page(link)
    clock.advance(PROOF_TIME)
    refused = client.submit(page.form(), 409)
    assert "The time of this link is over; please sign up again." in refused.text
    assert rows(app) == [("youth", State.UNVERIFIED)]
    work(app)
    assert rows(app) == []
    assert client.get(link).status_code == 404


def test_a_link_is_good_until_its_last_minute(app: Flask, client: Client, clock: FakeClock, link: str) -> None:
    clock.advance(PROOF_TIME - MINUTE)
    work(app)
    assert client.post(link).status_code == 303
    assert rows(app) == [("youth", State.CONFIRMED)]


def test_a_second_press_changes_nothing(app: Flask, client: Client, link: str) -> None:
    form = client.page(link).form()
    client.send(form)
    page = client.submit(form, 409)
    assert "This address is confirmed already; ask for your link if you have lost it." in page.text
    assert client.page(link).heading == "Confirmed already"
    assert rows(app) == [("youth", State.CONFIRMED)]
    assert work(app) == 1


@SQLITE
def test_two_sign_ups_of_one_address_become_one_registration(app: Flask, client: Client, smtp: MailServer) -> None:
    sign_up(client, name="Amina")
    sign_up(client, name="Amina B.", category="women-led")
    work(app)
    first, second = [link_in(mail, "/prove/") for mail in smtp.to(AMINA)]
    client.post(second)
    other_window = app.test_client()
    assert other_window.post(first).headers["Location"] == "/my/"
    assert rows(app) == [("women-led", State.CONFIRMED)]
    assert other_window.page("/my/").texts("dd")[0] == "Amina B."


def test_who_has_cancelled_returns_with_new_answers(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    client.submit(client.page("/my/").form("form[action='/my/cancel/']"))
    work(app)
    mail = take_part(client, smtp, "women-led", name="Amina B.", sessions=["civil-society"], zone="Europe/Zurich")
    assert rows(app) == [("women-led", State.CONFIRMED)]
    assert mail.subject.startswith("You are registered:")
    assert "Wednesday, 27 May 2026, 15:00 – 18:30 (Zurich, UTC+2)" in mail.text
    assert client.page("/my/").texts(".session h3") == ["Discussion, premiere of “VictimA” and closing session"]


def _cut(key: str) -> str:
    return key[:-1]


def _longer(key: str) -> str:
    return key + "A"


def _other_case(key: str) -> str:
    return key.swapcase()


def _other_proof(key: str) -> str:
    return key[:-4] + "AAAA"


@SQLITE
@pytest.mark.parametrize("spoil", [_cut, _longer, _other_case, _other_proof])
def test_a_wrong_key_opens_nothing_and_is_told_nothing(client: Client, link: str, spoil) -> None:
    nobodys = client.get("/prove/" + "A" * 44 + "/")
    wrong = f"/prove/{spoil(link.split('/')[2])}/"
    for response in (client.get(wrong), client.post(wrong)):
        assert (response.status_code, response.data) == (404, nobodys.data)


@SQLITE
def test_a_key_opens_only_what_it_is_for(client: Client, smtp: MailServer, link: str) -> None:
    client.post(link)
    work(client.application)
    proof, own = link.split("/")[2], link_in(smtp.last_to(AMINA), "/my/").split("/")[2]
    assert client.get(f"/my/{proof}/").status_code == 404
    assert client.get(f"/prove/{own}/").status_code == 404


@SQLITE
@pytest.mark.parametrize("state", [EventState.CANCELLED, EventState.ARCHIVED])
def test_nobody_is_confirmed_for_an_event_that_does_not_take_place(
    app: Flask, client: Client, link: str, state: EventState
) -> None:
    change(app, Event, SLUG, state=state)
    assert client.post(link).status_code == 409
    assert rows(app) == [("youth", State.UNVERIFIED)]


@SQLITE
def test_a_mail_to_an_unproved_address_repeats_no_word_of_a_stranger(
    app: Flask, client: Client, smtp: MailServer
) -> None:
    """Otherwise anybody could have us send their words to any address."""
    sign_up(client, name="Claim your prize at https://prize.example.org", discreet="y")
    work(app)
    mail = smtp.last_to(AMINA)
    assert "prize" not in mail.subject + mail.text + mail.html + str(mail.message["To"])


@SQLITE
def test_a_strangers_sign_up_names_no_event_to_who_cancelled_and_was_discreet(
    app: Flask, client: Client, smtp: MailServer
) -> None:
    take_part(client, smtp, discreet="y")
    client.submit(client.page("/my/").form("form[action='/my/cancel/']"))
    work(app)
    sign_up(app.test_client(), name="A stranger")
    work(app)
    mail = smtp.last_to(AMINA)
    assert mail.subject == "Confirm your registration: Online meeting"
    told = mail.octets.decode() + mail.text + mail.html
    assert [word for word in ("Dialogue", "dialogue-next", "Terror", "stranger") if word in told] == []
