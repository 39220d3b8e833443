"""What somebody does about their data: erase all of it at once, take a copy of all of it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from flask import Flask

from registration import clock as app_clock
from registration.domain import erasure, exports, figures, unmasking
from registration.domain.attendees import Filters
from registration.domain.link_keys import LinkKind, key_for, registration_of
from registration.domain.personal import open_personal
from registration.domain.programme import event_named
from registration.domain.rough import exact
from registration.errors import NotFound
from registration.extensions import db, writing
from registration.models import Delivery, Event, Invitation, Registration, SessionChoice, StoppedAddress, Unmasking
from registration.models.delivery import DeliveryKind as Kind
from registration.models.delivery import DeliveryState
from registration.models.invitation import Reply
from registration.models.organizer import Role
from registration.models.registration import RegistrationState as State
from registration.models.unmasking import Sight
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import (
    AMINA,
    DAY,
    SLUG,
    change,
    link_in,
    load_dialogue,
    owed,
    registrations,
    sign_up,
    take_part,
    work,
)
from tests.support.erasing import ids_in_file, public_ids
from tests.support.organizers import DESK, EXPORT, LIST, at_desk, make_organizer
from tests.support.smtp import MailServer

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ERASE = "/my/erase/"
LATER = "450 4.3.0 Later"


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app, invitations=True)


def erase(client: Client) -> str:
    """Press the button; answers with the page that follows."""
    return client.submit(client.page(ERASE).form(f"form[action='{ERASE}']")).text


def test_all_is_erased_and_the_farewell_mail_leaves_first(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    (public_id,) = public_ids(app)
    smtp.clear()
    assert "Your data is erased" in erase(client)
    assert client.get("/my/").status_code == 404
    work(app)
    (mail,) = smtp.mails
    assert mail.recipients == (AMINA,)
    assert mail.subject.startswith("Your data is erased: ")
    assert "Your data was erased on" in mail.text
    assert "/my/" not in mail.text
    work(app)
    assert public_ids(app) == set()
    assert ids_in_file(app) == {public_id}
    with app.app_context():
        assert [db.session.query(one).count() for one in (Delivery, Invitation, SessionChoice)] == [0, 0, 0]
    assert len(smtp.mails) == 1


def test_while_the_farewell_waits_hardly_anything_is_left_to_open(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp, "women-led", needs="A ramp")
    with app.app_context():
        before = registrations(AMINA)[0]
        keys = {kind: key_for(before, kind) for kind in LinkKind}
    erase(client)
    with app.app_context():
        row = registrations(AMINA)[0]
        left = {name: value for name, value in vars(open_personal(row)).items() if value}
        assert (left, row.country, row.choices, row.invitations_held) == ({"address": AMINA}, "", [], [])
        assert owed() == [(Kind.FAREWELL, DeliveryState.WAITING)]
    stranger = app.test_client()
    paths = {
        LinkKind.PROVE: "/prove/{}/",
        LinkKind.MANAGE: "/my/{}/",
        LinkKind.FEED: "/feeds/{}.ics",
        LinkKind.UNSUBSCRIBE: "/unsubscribe/{}/",
    }
    statuses = {kind: stranger.get(path.format(keys[kind])).status_code for kind, path in paths.items()}
    assert statuses == dict.fromkeys(LinkKind, 404)


@SQLITE
def test_somebody_who_is_leaving_is_on_no_page_and_in_no_list(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp, "women-led", name="Zenobia Marker")
    (public_id,) = public_ids(app)
    smtp.replies[AMINA] = LATER
    erase(client)
    work(app)
    desk = at_desk(app, Role.OWNER)
    paths = [
        rule.rule.replace("<slug:event_slug>", SLUG)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("organizer.") and "GET" in (rule.methods or ())
    ]
    walked = [path for path in paths if "<" not in path]
    assert {DESK, LIST, EXPORT} <= set(walked)
    for path in [*walked, f"{LIST}?state=cancelled", f"{LIST}?mail=retrying", f"{LIST}?order=name"]:
        text = desk.get(path).get_data(as_text=True)
        assert (path, public_id in text, "Zenobia" in text, AMINA in text) == (path, False, False, False)
    assert desk.page(f"{LIST}?state=cancelled").all("tbody tr") == []
    for path in (f"{LIST}{public_id}/", f"{LIST}{public_id}/erase"):
        assert (path, desk.get(path).status_code) == (path, 404)
    with app.app_context():
        event = event_named(SLUG)
        nobody = dict.fromkeys(State, exact(0))
        assert figures.figures(event, unmasked=True, exactly=True).total == nobody
        assert figures.totals([event], exactly=[event.id])[event.id] == nobody


@SQLITE
def test_no_export_holds_somebody_who_is_leaving(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    smtp.replies[AMINA] = LATER
    erase(client)
    with app.app_context():
        owner = make_organizer("owner@example.org", Role.OWNER)
        with writing():
            order = exports.Order(exports.Format.JSON, columns=("name", "address"), reason="To look")
            export = exports.write_down(event_named(SLUG), owner, order, now=app_clock.now())
        assert b"".join(exports.stream(export, app.config["PLENARY"].instance_path)).strip() == b"[]"


@SQLITE
def test_data_goes_after_a_day_where_no_farewell_can_leave(
    app: Flask, client: Client, smtp: MailServer, clock: FakeClock
) -> None:
    take_part(client, smtp)
    smtp.reply_to_sender = LATER
    erase(client)
    clock.advance(DAY - timedelta(minutes=1))
    work(app)
    assert len(public_ids(app)) == 1
    clock.advance(timedelta(minutes=1))
    work(app)
    assert public_ids(app) == set()


@SQLITE
def test_an_address_that_takes_no_mail_goes_with_all_else_at_once(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    with app.app_context(), writing():
        row = registrations(AMINA)[0]
        db.session.add(StoppedAddress(address_hash=row.address_hash, status="5.1.1", stopped_at=app_clock.now()))
    smtp.clear()
    erase(client)
    work(app)
    assert public_ids(app) == set()
    assert smtp.mails == []
    with app.app_context():
        assert db.session.query(StoppedAddress).count() == 0


@pytest.mark.parametrize("meanwhile", [True, False], ids=["before the row goes", "after it is gone"])
def test_whoever_signs_up_again_is_a_new_person(
    app: Flask, client: Client, smtp: MailServer, *, meanwhile: bool
) -> None:
    take_part(client, smtp)
    first = public_ids(app)
    erase(client)
    if not meanwhile:
        work(app)
        work(app)
        assert public_ids(app) == set()
    visitor = app.test_client()
    assert isinstance(visitor, Client)
    take_part(visitor, smtp)
    work(app)
    assert "You are registered." in visitor.page("/my/").text
    assert len(public_ids(app)) == 1
    assert ids_in_file(app) == first


@SQLITE
def test_other_sign_ups_of_the_address_go_too(app: Flask, client: Client, smtp: MailServer) -> None:
    sign_up(client)
    sign_up(client, name="Somebody else")
    work(app)
    client.post(link_in(smtp.last_to(AMINA), "/prove/"))
    ids = public_ids(app)
    assert len(ids) == 2
    erase(client)
    work(app)
    work(app)
    assert public_ids(app) == set()
    assert ids_in_file(app) == ids


@SQLITE
def test_the_place_goes_to_whoever_waits(app: Flask, client: Client, smtp: MailServer) -> None:
    change(app, Event, SLUG, places=1)
    take_part(client, smtp)
    other = app.test_client()
    assert isinstance(other, Client)
    take_part(other, smtp, address="bo@example.org", name="Bo")
    assert "You are number 1 on the waiting list" in other.page("/my/").text
    erase(client)
    assert "You are registered." in other.page("/my/").text


def test_erasing_twice_at_once_is_erasing_once(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    with app.app_context():
        key = key_for(registrations(AMINA)[0], LinkKind.MANAGE)
    barrier = threading.Barrier(4)

    def press(_number: int) -> None:
        barrier.wait()
        with app.app_context(), suppress(NotFound), writing():
            erasure.erase(registration_of(key, LinkKind.MANAGE), by_link=True, now=app_clock.now())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(press, range(4)))
    with app.app_context():
        assert owed() == [(Kind.FAREWELL, DeliveryState.WAITING)]


@SQLITE
def test_looking_at_the_page_erases_nothing(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    client.page(ERASE)
    assert client.post(ERASE).status_code == 400
    work(app)
    assert len(public_ids(app)) == 1


class TestNotMe:
    """Somebody else typed my address."""

    def test_what_was_typed_is_deleted_and_no_mail_follows(self, app: Flask, client: Client, smtp: MailServer) -> None:
        sign_up(client)
        work(app)
        link = link_in(smtp.last_to(AMINA), "/prove/")
        smtp.clear()
        response = client.post(f"{link}erase/")
        assert (response.status_code, response.headers["Location"]) == (303, "/erased/sign-up/")
        assert client.get(link).status_code == 404
        work(app)
        assert public_ids(app) == set()
        assert len(ids_in_file(app)) == 1
        assert smtp.mails == []

    @SQLITE
    def test_the_button_is_on_the_page_of_the_proof(self, app: Flask, client: Client, smtp: MailServer) -> None:
        sign_up(client)
        work(app)
        link = link_in(smtp.last_to(AMINA), "/prove/")
        (button,) = [one for one in client.page(link).all("main button") if one.get("formaction")]
        assert button["formaction"] == f"{link}erase/"

    @SQLITE
    def test_once_it_is_proved_that_link_erases_nothing(self, app: Flask, client: Client, smtp: MailServer) -> None:
        sign_up(client)
        work(app)
        link = link_in(smtp.last_to(AMINA), "/prove/")
        client.post(link)
        assert client.post(f"{link}erase/").status_code == 409
        work(app)
        assert len(public_ids(app)) == 1


@SQLITE
def test_an_owner_erases_somebody_and_they_are_told(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    (public_id,) = public_ids(app)
    smtp.clear()
    desk = at_desk(app, Role.OWNER)
    path = f"{LIST}{public_id}/erase"
    assert path in [link["href"] for link in desk.page(f"{LIST}{public_id}/").all("main a")]
    page = desk.submit(desk.page(path).form(f"form[action='{path}']"))
    assert "This person is erased" in page.text
    work(app)
    assert [mail.recipients for mail in smtp.mails] == [(AMINA,)]
    work(app)
    assert public_ids(app) == set()


@SQLITE
def test_the_books_do_not_name_who_was_erased(app: Flask, client: Client, smtp: MailServer, now: datetime) -> None:
    """Their searches and reasons of others stay."""
    take_part(client, smtp, name="Zénobia Marker")
    said = ["To call zenobia marker", f"For {AMINA}", "For the badges"]
    with app.app_context(), writing():
        event, owner = event_named(SLUG), make_organizer("owner@example.org", Role.OWNER)
        for reason, search in [*((one, "") for one in said), ("Found", "zenob"), ("Bo", "bo")]:
            order = exports.Order(exports.Format.CSV, reason=reason, filters=Filters(search=search))
            exports.write_down(event, owner, order, now=now)
        for reason in said:
            unmasking.write_down(event, owner, Sight.LIST, reason, now=now)
    client.submit(client.page("/my/erase/").form("form[action='/my/erase/']"))
    with app.app_context():
        event = event_named(SLUG)
        found = sorted((one.reason, one.search) for one in exports.book(event))
        assert found == [("Bo", "bo"), ("For the badges", ""), ("For …", ""), ("Found", ""), ("To call … …", "")]
        assert sorted(one.reason for one in unmasking.book(event)) == ["For the badges", "For …", "To call … …"]


@SQLITE
def test_reviewers_erase_nobody(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    (public_id,) = public_ids(app)
    desk = at_desk(app, Role.REVIEWER)
    assert "Erase this person" not in desk.page(f"{LIST}{public_id}/").text
    assert desk.get(f"{LIST}{public_id}/erase").status_code == 403


@SQLITE
def test_the_farewell_to_somebody_discreet_names_no_event(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp, discreet="y")
    smtp.clear()
    erase(client)
    work(app)
    (mail,) = smtp.mails
    assert mail.subject == "Your data is erased: Online meeting"
    assert "ialogue" not in mail.text + mail.html


@SQLITE
def test_the_copy_holds_all_that_is_held_in_words(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp, "women-led", needs="A ramp", captions="y", question_site="https://women.example.org")
    with app.app_context():
        owner = make_organizer("owner@example.org", Role.OWNER)
        with writing():
            row = registrations(AMINA)[0]
            one = row.invitations_held[0]
            one.reply, one.replied_at = Reply.ACCEPTED, app_clock.now()
            look = Unmasking(
                public_id="L" * 22, event_id=row.event_id, organizer_id=owner.id, registration_id=row.id,
                what=Sight.CATEGORY, at=app_clock.now(), sealed=b"",
            )  # fmt: skip
            db.session.add(look)
            order = exports.Order(exports.Format.CSV, reason="Secret reason of an organizer")
            exports.write_down(row.event, owner, order, now=app_clock.now())
    response = client.get("/my/copy/")
    assert response.headers["Content-Disposition"] == "attachment; filename=my-data.html"
    assert (response.mimetype, response.headers["Cache-Control"]) == ("text/html", "no-store")
    page = client.parsed(response)
    facts = dict(zip(page.texts("dt"), page.texts("dd"), strict=True))
    assert {name: facts[name] for name in ("Name", "Mail address", "Organization", "Country", "Captions")} == {
        "Name": "Amina",
        "Mail address": AMINA,
        "Organization": "Example Women",
        "Country": "Nepal",
        "Captions": "Yes",
    }
    assert facts["Other needs"] == "A ramp"
    assert "https://women.example.org" in facts.values()
    text = page.text
    for said in ("Accepted", "Confirmation", "Handed over to the mail server", "Owner", "Name, Organization, Country"):
        assert said in text, said
    for hidden in ("owner@example.org", "Secret reason"):
        assert hidden not in text
    assert page.all("script, style, link, img, a[href]") == []


@SQLITE
def test_the_copy_is_in_the_persons_language_and_for_them_alone(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    with app.app_context(), writing():
        db.session.query(Registration).update({"language": "ar"})
    page = client.parsed(client.get("/my/copy/"))
    assert (page.one("html")["lang"], page.one("html")["dir"]) == ("ar", "rtl")
    assert app.test_client().get("/my/copy/").status_code == 404
