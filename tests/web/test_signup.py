"""The sign-up form: what it asks, what follows it, and that nobody learns from it who is registered."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
import pytz
from flask import Flask
from sqlalchemy import select

from registration.domain.personal import open_personal
from registration.extensions import db
from registration.models import Category, Delivery, Event, EventSession
from registration.models.event import EventState
from registration.models.programme import SessionState
from registration.models.registration import RegistrationState as State
from tests.support.client import Client
from tests.support.clock import START, FakeClock, Seconds
from tests.support.dialogue import (
    AMINA,
    EVENT,
    LAST_END,
    MINUTE,
    REGISTER,
    SESSIONS,
    SLUG,
    answers,
    change,
    link_in,
    load_dialogue,
    registrations,
    rows,
    sign_up,
    sign_up_by_rule,
    take_part,
    work,
)
from tests.support.pages import words
from tests.support.smtp import MailServer

COMMON = {
    "name", "address", "sessions", "stream_language", "zone", "captions", "sign", "needs", "discreet", "consent",
}  # fmt: skip
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


@SQLITE
def test_the_categories_of_the_event_are_offered(client: Client) -> None:
    page = client.page(REGISTER)
    assert page.texts(".card h2") == [
        "Member State",
        "UN entity",
        "Human rights representative",
        "Women-led organization",
        "Youth",
        "Civil society organization",
        "Victim or survivor of terrorism",
        "Expert",
        "Other",
    ]
    assert Counter(page.texts(".card .quiet")) == {
        "Open to all. Places are free.": 3,
        "Each registration is reviewed. Places are free.": 6,
    }
    assert page.link("Youth").endswith(f"{REGISTER}youth/")


@SQLITE
def test_a_full_category_says_so_and_offers_the_waiting_list(app: Flask, client: Client, smtp: MailServer) -> None:
    change(app, Category, "youth", places=1)
    take_part(client, smtp)
    assert [text for text in client.page(REGISTER).texts(".card .quiet") if "taken" in text] == [
        "Open to all. All places are taken; you can join the waiting list."
    ]


@SQLITE
@pytest.mark.parametrize(
    ("category", "own"),
    [
        ("member-states", {"question_country", "question_organization"}),
        ("civil-society", {"question_organization", "question_country", "question_ecosoc_status", "question_site"}),
        ("youth", {"question_country"}),
        ("victims-survivors", {"question_organization", "question_accompanied", "vetting_name"}),
        ("experts", {"question_organization", "question_country", "question_fields", "question_site"}),
        ("human-rights", {"question_organization", "question_country", "question_work", "vetting_name"}),
    ],
)
def test_each_category_asks_its_own_questions(client: Client, category: str, own: set[str]) -> None:
    assert client.page(f"{REGISTER}{category}/").form().names() == COMMON | own


@SQLITE
def test_the_form_says_what_becomes_of_the_data_and_that_sessions_are_broadcast(client: Client) -> None:
    page = client.page(f"{REGISTER}youth/")
    # The last session ends on 27 May; data is kept for 30 days.
    assert "They are deleted on Friday, 26 June 2026." in page.text
    assert "The sessions are recorded and broadcast" in page.text
    assert page.link("The privacy notice").endswith(f"{EVENT}privacy/")


@SQLITE
def test_each_session_is_offered_with_its_times_and_chosen_at_first(client: Client) -> None:
    page = client.page(f"{REGISTER}youth/?tz=Asia/Kathmandu")
    assert page.texts("#sessions .choice label") == [
        "Opening session and discussion",
        "Discussion, premiere of “VictimA” and closing session",
    ]
    assert page.texts("#sessions dt")[:3] == ["Kathmandu UTC+5:45", "New York UTC−4", "UTC"]
    assert page.texts("#sessions dd")[:3] == [
        "Tuesday, 26 May 2026 19:45 – 23:00",
        "Tuesday, 26 May 2026 10:00 – 13:15",
        "Tuesday, 26 May 2026 14:00 – 17:15",
    ]
    values = page.form().values
    assert (values.getlist("sessions"), values["zone"]) == (["human-rights", "civil-society"], "Asia/Kathmandu")


@SQLITE
def test_a_cancelled_session_is_not_offered(app: Flask, client: Client) -> None:
    change(app, EventSession, "civil-society", state=SessionState.CANCELLED)
    values = [field["value"] for field in client.page(f"{REGISTER}youth/").all("[name=sessions]")]
    assert values == ["human-rights"]


@SQLITE
def test_an_empty_form_is_answered_with_a_sentence_beside_each_field(client: Client) -> None:
    page = client.submit(client.page(f"{REGISTER}civil-society/").form(), 422, sessions=[])
    assert {name: page.error_of(name).endswith(sentence) for name, sentence in SAID.items()} == dict.fromkeys(
        SAID, True
    )
    assert page.texts(".summary li") == [
        "Sessions you want to follow: Choose at least one session.",
        "Your time zone: Choose the time zone you are in.",
        "Name: Write the name you want to be called by.",
        "Mail address: Write the mail address the link should go to.",
        "I have read the privacy notice and agree: Read the privacy notice and tick this box to sign up.",
        "Organization: Please answer this.",
        "Country: Please answer this.",
        "Consultative status with ECOSOC: Please answer this.",
    ]


SAID = {
    "sessions": "Choose at least one session.",
    "name": "Write the name you want to be called by.",
    "address": "Write the mail address the link should go to.",
    "zone": "Choose the time zone you are in.",
    "consent": "Read the privacy notice and tick this box to sign up.",
    "question_organization": "Please answer this.",
    "question_country": "Please answer this.",
    "question_ecosoc_status": "Please answer this.",
}


@SQLITE
def test_what_was_typed_is_kept_when_something_is_wrong(client: Client) -> None:
    typed = answers(
        "experts",
        zone="Asia/Kabul",
        address="nobody",
        captions="y",
        needs="Slow speech\nplease",
        question_fields=["gender", "victims"],
        question_site="https://example.org/me",
        discreet="y",
    )
    page = client.submit(client.page(f"{REGISTER}experts/").form(), 422, **typed)
    kept = page.form().values
    assert {name: kept.getlist(name) for name in typed} == {
        name: [value] if isinstance(value, str) else list(value) for name, value in typed.items()
    }


@SQLITE
@pytest.mark.parametrize("name", ["Amina", "阿", "O’Brien-ʿAlī", "عبد الرحمن", "Łukasz d'Ó"])
def test_any_persons_name_is_a_valid_name(client: Client, name: str) -> None:
    assert sign_up(client, name=name).status_code == 303


def test_a_sign_up_leads_to_one_page_and_one_mail_with_a_link(app: Flask, client: Client, smtp: MailServer) -> None:
    response = sign_up(client)
    assert (response.status_code, response.headers["Location"]) == (303, f"{REGISTER}sent/")
    assert client.page(f"{REGISTER}sent/").heading == "Look at your mail"
    assert work(app) == 1
    (mail,) = smtp.mails
    assert (mail.recipients, mail.sender) == ((AMINA,), "dialogue@example.org")
    assert mail.subject.startswith("Confirm your registration: Virtual Dialogue with Human Rights")
    assert "It is good until Wednesday, 4 March 2026, 20:45 (Kathmandu, UTC+5:45)." in mail.text
    assert link_in(mail, "/prove/") in mail.html


def test_the_answer_is_the_same_whatever_is_known_of_the_address(app: Flask, client: Client, smtp: MailServer) -> None:
    def answered(visitor: Client, **values: str) -> tuple[int, list[tuple[str, str]], bytes]:
        response = sign_up(visitor, **values)
        return response.status_code, sorted(response.headers), response.data

    unknown = answered(app.test_client())
    again = answered(app.test_client())
    other_answers = answered(app.test_client(), name="Somebody")
    take_part(client, smtp, address="known@example.org")
    registered = answered(app.test_client(), address="known@example.org")
    assert unknown == again == other_answers == registered


def test_the_same_sign_up_twice_is_one_and_brings_one_mail_in_ten_minutes(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock
) -> None:
    sign_up(client)
    sign_up(client, address="AMINA@example.org")
    sign_up(client)
    work(app)
    assert rows(app) == [("youth", State.UNVERIFIED)] * 2
    clock.advance(9 * MINUTE)
    sign_up(client)
    assert work(app) == 0
    clock.advance(MINUTE)
    sign_up(client)
    assert work(app) == 1
    assert len(rows(app)) == 2


def test_a_strangers_sign_up_changes_nothing_and_brings_one_mail_in_ten_minutes(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock
) -> None:
    take_part(client, smtp)
    before = client.page("/my/").texts("dd")
    smtp.clear()
    for name in ("Stranger", "Another stranger"):
        sign_up(app.test_client(), name=name, category="women-led", zone="Europe/Zurich")
        work(app)
        clock.advance(4 * MINUTE)
    assert [mail.subject.partition(":")[0] for mail in smtp.mails] == ["You are registered already"]
    assert "Stranger" not in smtp.mails[0].text + smtp.mails[0].html
    assert rows(app) == [("youth", State.CONFIRMED)]
    assert client.page("/my/").texts("dd") == before
    clock.advance(2 * MINUTE)
    sign_up(app.test_client(), name="Stranger")
    assert work(app) == 1


def test_an_address_gets_no_more_than_five_different_proofs_in_an_hour(
    app: Flask, smtp: MailServer, clock: FakeClock
) -> None:
    """Those that come after them wait for their turn, in the order in which they came."""
    for number in range(12):
        sign_up(from_network(app, number // 4), name=f"Name {number}")
    sent = []
    for _hour in range(4):
        work(app)
        sent.append(len(smtp.mails))
        clock.advance(timedelta(hours=1))
    assert sent == [5, 10, 12, 12]
    assert names_to_prove(from_network(app, 9), smtp) == [f"Name {number}" for number in range(12)]


def test_nobody_is_kept_out_by_others_who_type_their_address(
    app: Flask, smtp: MailServer, clock: FakeClock, seconds: Seconds
) -> None:
    """One network that goes on for a day delays the owner's own by an hour or two."""
    stranger, amina = from_network(app, 1), from_network(app, 2)
    for hour in range(24):
        for number in range(10):
            stranger.post(f"{REGISTER}youth/", data=answers(name=f"Stranger {hour} {number}"))
        if hour == 12:
            sign_up(amina, name="Amina herself")
        work(app)
        clock.advance(timedelta(hours=1))
        seconds.pass_by(3601)
        if hour == 13:
            assert "Amina herself" in names_to_prove(amina, smtp)
    assert len(smtp.mails) <= 24 * 5


def test_who_is_in_gets_no_more_mail_to_prove(app: Flask, smtp: MailServer, clock: FakeClock) -> None:
    for number in range(10):
        sign_up(from_network(app, number), name=f"Name {number}")
    work(app)
    client = from_network(app, 0)
    client.submit(client.page(link_in(smtp.mails[0], "/prove/")).form())
    clock.advance(timedelta(hours=2))
    work(app)
    assert [one.subject for one in smtp.mails[5:] if "Confirm" in one.subject] == []


def test_who_cancels_and_comes_back_does_not_wait_for_what_was_withdrawn(
    app: Flask, smtp: MailServer, clock: FakeClock
) -> None:
    for number in range(12):
        sign_up(from_network(app, number), name=f"Name {number}")
    work(app)
    client = from_network(app, 0)
    client.submit(client.page(link_in(smtp.mails[0], "/prove/")).form())
    client.submit(client.page("/my/").form("form[action='/my/cancel/']"))
    clock.advance(timedelta(minutes=70))
    work(app)
    smtp.clear()
    sign_up(from_network(app, 20), name="Amina again")
    sign_up(from_network(app, 21), name="Name 11")
    work(app)
    assert names_to_prove(client, smtp) == ["Amina again", "Name 11"]


def test_where_two_days_are_full_a_newcomer_takes_a_turn_by_lot(app: Flask, smtp: MailServer, now: datetime) -> None:
    """Nobody is dropped in silence who may be the owner of the address."""
    with app.app_context():
        for number in range(240):
            sign_up_by_rule(AMINA, name=f"Stranger {number}", now=now)
        assert len(registrations(AMINA)) == 240
        for number in range(3):
            sign_up_by_rule(AMINA, name=f"Amina {number}", now=now)
            everybody = registrations(AMINA)
            assert (len(everybody), open_personal(everybody[-1]).name) == (240, f"Amina {number}")
        turns = sorted(delivery.due_at for delivery in db.session.scalars(select(Delivery)))
        assert turns == sorted(turns[0] + timedelta(hours=number // 5) for number in range(240))
        assert max(turns) < now + timedelta(days=2)


def test_misspellings_that_stand_for_an_address_count_as_that(client: Client) -> None:
    spellings = ["amina@gmial.com", "amina@gmai.com", "amina@gmil.com", "amina@gamil.com", "amina@gmaill.com"]
    meant = {"address_meant": "amina@gmail.com"}
    statuses = [
        client.post(f"{REGISTER}youth/", data=answers(name=str(number), address=one) | meant).status_code
        for number, one in enumerate(["amina@gmail.com", *spellings])
    ]
    assert statuses == [*[303] * 5, 429]


def test_one_network_sends_five_different_sign_ups_of_an_address_in_an_hour(
    app: Flask, client: Client, seconds: Seconds
) -> None:
    def post(**changed: str) -> int:
        return client.post(f"{REGISTER}youth/", data=answers(**changed)).status_code

    assert [post(name=f"Name {number // 2}") for number in range(12)] == [*[303] * 10, 429, 429]
    assert (post(name="Name 0"), post(address="bo@example.org")) == (303, 303)
    seconds.pass_by(3601)
    assert post(name="Name 5") == 303


def from_network(app: Flask, number: int) -> Client:
    """A visitor of another network."""
    visitor = app.test_client()
    visitor.environ_base["REMOTE_ADDR"] = f"192.0.2.{number}"
    assert isinstance(visitor, Client)
    return visitor


def names_to_prove(client: Client, smtp: MailServer) -> list[str]:
    """The names that the pages show to which the mails lead."""
    return [client.page(link_in(mail, "/prove/")).texts("dd bdi")[0] for mail in smtp.mails]


@SQLITE
def test_before_it_opens_the_pages_say_when_and_offer_no_form(app: Flask, client: Client) -> None:
    change(app, Event, SLUG, registration_opens=datetime(2026, 4, 1, 13, 0, tzinfo=pytz.utc))
    page = client.page(f"{REGISTER}youth/")
    sentence = "Registration opens on Wednesday, 1 April 2026, 09:00 (New York, UTC−4)."
    assert (page.texts(".notice"), page.all("main form")) == ([sentence], [])
    assert client.page(REGISTER).texts(".card a") == []


@SQLITE
@pytest.mark.parametrize("moment", [LAST_END, LAST_END + timedelta(days=3)])
def test_once_it_is_closed_the_pages_say_so_and_offer_no_form(
    client: Client, clock: FakeClock, moment: datetime
) -> None:
    clock.move_to(moment)
    page = client.page(f"{REGISTER}youth/")
    assert (page.texts(".notice"), page.all("main form")) == (["Registration is closed."], [])


@SQLITE
@pytest.mark.parametrize("name", ["Amina", ""])
def test_a_form_that_comes_too_late_is_refused_and_not_offered_again(
    app: Flask, client: Client, clock: FakeClock, name: str
) -> None:
    form = client.page(f"{REGISTER}youth/").form()
    clock.move_to(LAST_END)
    page = client.submit(form, 409, **answers(name=name))
    assert (page.texts(".notice"), page.all("main form")) == (["Registration is closed."], [])
    assert rows(app) == []


@SQLITE
def test_once_it_is_closed_the_categories_invite_nobody(client: Client, clock: FakeClock) -> None:
    clock.move_to(LAST_END)
    page = client.page(REGISTER)
    assert page.texts(".card h2")[:2] == ["Member State", "UN entity"]
    assert (page.texts(".card a"), page.texts(".card .quiet")) == ([], [])
    assert "In which role do you take part?" not in page.text


@SQLITE
def test_words_without_translation_are_marked_with_their_language(app: Flask, client: Client) -> None:
    change(app, Category, "youth", description={"en": "Thirty or younger"})
    change(app, EventSession, "human-rights", title={"en": "Opening"})
    description = client.page(f"{REGISTER}?lang=ar").all(".card p[lang]")[-1]
    session = client.page(f"{REGISTER}youth/?lang=ar").one("#sessions label [lang]")
    assert [(words(one), one["lang"], one["dir"]) for one in (description, session)] == [
        ("Thirty or younger", "en", "ltr"),
        ("Opening", "en", "ltr"),
    ]


@SQLITE
def test_a_cancelled_event_takes_no_sign_up_and_says_so(app: Flask, client: Client) -> None:
    change(app, Event, SLUG, state=EventState.CANCELLED)
    assert client.page(f"{REGISTER}youth/").texts(".notice") == ["This event is cancelled."]
    assert client.parsed(sign_up(client), 409).texts(".notice") == ["This event is cancelled."]
    assert rows(app) == []


@SQLITE
@pytest.mark.parametrize("path", ["", "youth/", "sent/"])
def test_a_draft_is_seen_by_nobody(app: Flask, client: Client, path: str) -> None:
    change(app, Event, SLUG, state=EventState.DRAFT)
    unknown = client.get(f"/events/no-such-event/register/{path}")
    draft = client.get(REGISTER + path)
    assert (draft.status_code, draft.data) == (404, unknown.data)
    assert client.get(f"{REGISTER}no-such-category/").status_code == 404


@SQLITE
def test_pages_and_mails_follow_in_the_language_of_the_form(app: Flask, client: Client, smtp: MailServer) -> None:
    page = client.page(f"{REGISTER}youth/?lang=fr")
    assert (page.one("html")["lang"], page.form().action) == ("fr", f"{client.public_url}{REGISTER}youth/?lang=fr")
    response = client.send(page.form(), **answers())
    assert response.headers["Location"] == f"{REGISTER}sent/?lang=fr"
    work(app)
    assert smtp.last_to(AMINA).message["Content-Language"] == "fr"
    assert "Dialogue virtuel" in smtp.last_to(AMINA).subject


@SQLITE
def test_signing_up_needs_no_cookie_and_sets_none(client: Client) -> None:
    pages = [client.get(f"{REGISTER}youth/"), client.get(f"{REGISTER}sent/")]
    responses = [*pages, sign_up(client), sign_up(client, name="")]
    assert [response.headers.getlist("Set-Cookie") for response in responses] == [[]] * 4
    assert {response.headers["Cache-Control"] for response in responses} == {"no-store"}


def test_the_mail_leaves_even_if_the_server_stopped_right_after_the_form(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock
) -> None:
    """The form is kept before it is answered, so a worker that starts much later finds it."""
    client.post(f"{REGISTER}youth/", data=answers())
    clock.move_to(START + timedelta(hours=30))
    assert work(app) == 1
    assert client.page(link_in(smtp.last_to(AMINA), "/prove/")).heading == "Confirm your registration"


YES, NO = "amina@gmail.com", "amina@gmial.com"


def test_a_slip_in_the_domain_is_asked_about_with_everything_typed_kept(app: Flask, client: Client) -> None:
    load_dialogue(app)
    page = client.submit(client.page(f"{REGISTER}youth/").form(), 422, **answers(address=NO))
    assert page.error_of("address").endswith("Is there a slip in this address? Choose below which one is right.")
    assert page.texts("#address_meant :is(legend, label)") == [
        f"Did you mean {YES}?",
        f"Yes, use {YES}",
        f"No, {NO} is right",
    ]
    form = page.form()
    assert (form.values["address"], form.values["name"], form.values.getlist("sessions")) == (NO, "Amina", SESSIONS)
    assert "address_meant" not in form.values
    assert rows(app) == []


@pytest.mark.parametrize(("chosen", "other"), [(YES, NO), (NO, YES)])
def test_the_address_that_is_chosen_counts(
    app: Flask, client: Client, smtp: MailServer, chosen: str, other: str
) -> None:
    load_dialogue(app)
    page = client.submit(client.page(f"{REGISTER}youth/").form(), 422, **answers(address=NO))
    assert client.submit(page.form(), address_meant=chosen).heading == "Look at your mail"
    work(app)
    assert (len(smtp.to(chosen)), len(smtp.to(other))) == (1, 0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_choice_is_kept_while_other_faults_are_mended(app: Flask, client: Client) -> None:
    load_dialogue(app)
    first = client.page(f"{REGISTER}youth/").form()
    page = client.submit(first, 422, **{**answers(address=NO), "consent": None})
    kept = client.submit(page.form(), 422, address_meant=NO)
    assert (kept.form().values["address"], kept.form().values["address_meant"]) == (NO, NO)
    assert kept.all("#address-error") == []
    taken = client.submit(kept.form(), 422, address_meant=YES)
    assert (taken.form().values["address"], taken.all("#address_meant")) == (YES, [])
    assert client.submit(taken.form(), consent=True).heading == "Look at your mail"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_answer_is_about_the_address_that_was_asked_about(app: Flask, client: Client) -> None:
    load_dialogue(app)
    page = client.submit(client.page(f"{REGISTER}youth/").form(), 422, **answers(address=NO))
    other = client.submit(page.form(), 422, address="bo@yaho.com", address_meant=NO)
    assert other.texts("#address_meant legend") == ["Did you mean bo@yahoo.com?"]
    assert client.submit(other.form(), address=AMINA).heading == "Look at your mail"
