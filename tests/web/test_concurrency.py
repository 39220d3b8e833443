"""Many at once: the same sign-up, the last place, the same button. On both databases."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from config import ROOT
from registration import tray, worker
from registration.domain import erasure, participation, signup, submissions
from registration.domain.crowds import make_crowd
from registration.domain.event_file import import_event
from registration.domain.personal import Personal
from registration.domain.programme import event_named
from registration.extensions import db, writing
from registration.models import Category, Delivery, Event, Registration
from registration.models.delivery import DeliveryKind as Kind
from registration.models.invitation import Standing
from registration.models.organizer import Role
from registration.models.registration import RegistrationState as State
from tests.support.announcements import announce, write
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import (
    AMINA,
    FIRST_START,
    REGISTER,
    SECOND_START,
    SLUG,
    answers,
    change,
    link_in,
    load_dialogue,
    move_session,
    registrations,
    rows,
    sign_up,
    sign_up_by_rule,
    take_part,
    take_part_by_rule,
    work,
)
from tests.support.organizers import at_desk
from tests.support.pages import Form
from tests.support.smtp import MailServer

T = TypeVar("T")


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


def together(tasks: Sequence[Callable[[], T]]) -> list[T]:
    """Do all of them at once, each in a thread of its own; answers what they gave."""
    start = threading.Barrier(len(tasks))

    def run(task: Callable[[], T]) -> T:
        start.wait(30)
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


def posts(app: Flask, paths: Sequence[str], **data: object) -> Counter[int]:
    """Post to all of these at once, each from a browser of its own; answers how many got which status."""
    visitors = [app.test_client() for _path in paths]
    tasks = [
        lambda visitor=visitor, path=path: visitor.post(path, data=data).status_code
        for visitor, path in zip(visitors, paths, strict=True)
    ]
    return Counter(together(tasks))


def own_form(client: Client, selector: str) -> Form:
    """A form of the own page that is open in `client`."""
    return client.page("/my/").form(selector)


def again(app: Flask, client: Client, form: Form, **values: Any) -> int:
    """Send a form from another window of the same browser; answers with the status."""
    window = app.test_client()
    window._cookies = dict(client._cookies or {})
    data = {**form.values.to_dict(flat=False), **values}
    return window.post(form.action, data=data, headers={"Referer": form.page.url}).status_code


def owed_by_kind(app: Flask) -> dict[Kind, int]:
    with app.app_context():
        found = db.session.execute(select(Delivery.kind, func.count()).group_by(Delivery.kind))
        return {kind: count for kind, count in found}  # noqa: C416 - rows are no pairs to dict()


def proof_links(app: Flask, smtp: MailServer, category: str, count: int) -> list[str]:
    """The links of so many people who have signed up for a category."""
    with app.app_context():
        now = app.extensions["clock"]()
        for number in range(count):
            sign_up_by_rule(f"person{number}@example.org", category, now=now)
    work(app)
    return [link_in(mail, "/prove/") for mail in smtp.mails]


def test_fifty_identical_sign_ups_at_once_are_one_and_bring_one_mail(app: Flask, smtp: MailServer) -> None:
    assert posts(app, [f"{REGISTER}youth/"] * 50, **answers()) == {303: 50}
    together([lambda: work(app)] * 4)
    assert rows(app) == [("youth", State.UNVERIFIED)]
    assert [mail.recipients for mail in smtp.mails] == [(AMINA,)]


def test_workers_who_answer_sign_ups_at_once_answer_each_once(app: Flask, smtp: MailServer) -> None:
    visitor = app.test_client()
    for number in range(30):
        visitor.post(f"{REGISTER}youth/", data=answers(address=f"person{number}@example.org"))
    together([lambda: work(app)] * 4)
    assert len(rows(app)) == len({mail.recipients for mail in smtp.mails}) == len(smtp.mails) == 30


def test_the_last_place_goes_to_exactly_one_of_fifty(app: Flask, smtp: MailServer) -> None:
    change(app, Category, "youth", places=1)
    assert posts(app, proof_links(app, smtp, "youth", 50)) == {303: 50}
    assert Counter(state for _category, state in rows(app)) == {State.CONFIRMED: 1, State.WAITING: 49}
    assert owed_by_kind(app) == {Kind.PROVE: 50, Kind.CONFIRMED: 1, Kind.WAITING: 49}


def test_the_events_last_places_go_to_exactly_as_many(app: Flask, smtp: MailServer) -> None:
    change(app, Event, SLUG, places=3)
    links = proof_links(app, smtp, "experts", 10)
    assert posts(app, links) == {303: 10}
    assert Counter(state for _category, state in rows(app)) == {State.IN_REVIEW: 3, State.WAITING: 7}


def test_a_button_pressed_many_times_at_once_counts_once(app: Flask, smtp: MailServer) -> None:
    (link,) = proof_links(app, smtp, "youth", 1)
    assert posts(app, [link] * 10) == {303: 1, 409: 9}
    assert owed_by_kind(app) == {Kind.PROVE: 1, Kind.CONFIRMED: 1}


def test_two_links_of_one_address_at_once_make_one_registration(app: Flask, client: Client, smtp: MailServer) -> None:
    for name in ("Amina", "Amina B.", "Amina C."):
        sign_up(client, name=name)
    work(app)
    links = [link_in(mail, "/prove/") for mail in smtp.mails]
    assert posts(app, links * 3).keys() <= {303, 404, 409}
    assert rows(app) == [("youth", State.CONFIRMED)]
    assert owed_by_kind(app)[Kind.CONFIRMED] == 1


def test_who_returns_may_press_the_button_many_times_at_once(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    client.submit(client.page("/my/").form("form[action='/my/cancel/']"))
    work(app)
    sign_up(client, name="Amina B.")
    work(app)
    link = link_in(smtp.mails[-1], "/prove/")
    assert posts(app, [link] * 10).keys() <= {303, 404, 409}
    assert rows(app) == [("youth", State.CONFIRMED)]


@pytest.mark.parametrize("change", [{"zone": "UTC"}, {"sessions": ["civil-society"]}])
def test_a_change_sent_many_times_at_once_is_mailed_once(
    app: Flask, client: Client, smtp: MailServer, change: dict[str, Any]
) -> None:
    take_part(client, smtp)
    form = own_form(client, "form[action='/my/']")
    assert together([lambda: again(app, client, form, **change)] * 10) == [303] * 10
    assert owed_by_kind(app)[Kind.CHANGED] == 1


def test_a_cancellation_sent_many_times_at_once_counts_once(app: Flask, client: Client, smtp: MailServer) -> None:
    take_part(client, smtp)
    form = own_form(client, "form[action='/my/cancel/']")
    assert Counter(together([lambda: again(app, client, form)] * 10)) == {303: 1, 409: 9}
    assert owed_by_kind(app)[Kind.CANCELLED] == 1


def test_places_given_up_at_once_go_to_as_many_who_wait(app: Flask, smtp: MailServer) -> None:
    change(app, Category, "youth", places=3)
    visitors = [app.test_client() for _number in range(6)]
    for number, visitor in enumerate(visitors):
        take_part(visitor, smtp, address=f"person{number}@example.org")
    forms = [own_form(visitor, "form[action='/my/cancel/']") for visitor in visitors[:3]]
    tasks = [
        lambda visitor=visitor, form=form: again(app, visitor, form)
        for visitor, form in zip(visitors, forms, strict=False)
    ]
    assert together(tasks) == [303] * 3
    assert [state for _category, state in rows(app)] == [State.CANCELLED] * 3 + [State.CONFIRMED] * 3


def test_two_workers_at_once_send_each_mail_once(app: Flask, smtp: MailServer) -> None:
    with app.app_context():
        now = app.extensions["clock"]()
        for number in range(30):
            sign_up_by_rule(f"person{number}@example.org", now=now)
    assert sum(together([lambda: work(app)] * 2)) == 30
    assert len({mail.recipients for mail in smtp.mails}) == len(smtp.mails) == 30


def test_two_workers_at_once_make_an_announcement_once(app: Flask, clock: FakeClock, smtp: MailServer) -> None:
    with app.app_context(), writing():
        make_crowd(event_named(SLUG), 20, now=clock.now)
    announce(at_desk(app, Role.OWNER))
    clock.advance(timedelta(seconds=60))
    together([lambda: work(app)] * 4)
    told = Counter(mail.recipients for mail in smtp.mails)
    assert (len(told), set(told.values())) == (20, {1})
    assert owed_by_kind(app)[Kind.ANNOUNCEMENT] == 20


def test_an_announcement_sent_many_times_at_once_is_sent_once(app: Flask, clock: FakeClock) -> None:
    with app.app_context(), writing():
        make_crowd(event_named(SLUG), 1, now=clock.now)
    desk = at_desk(app, Role.OWNER)
    form = desk.page(write(desk).link("Send")).form()
    assert together([lambda: again(app, desk, form)] * 5) == [303] * 5
    clock.advance(timedelta(seconds=60))
    work(app)
    assert owed_by_kind(app) == {Kind.ANNOUNCEMENT: 1}


def test_proofs_and_sign_ups_of_the_same_people_at_once_do_not_hinder_each_other(app: Flask, smtp: MailServer) -> None:
    links = proof_links(app, smtp, "youth", 12)
    visitors = [app.test_client() for _number in range(24)]
    proofs = [
        lambda visitor=visitor, link=link: visitor.post(link).status_code
        for visitor, link in zip(visitors, links, strict=False)
    ]
    more = [
        lambda visitor=visitor, number=number: sign_up(visitor, address=f"person{number}@example.org").status_code
        for number, visitor in enumerate(visitors[12:])
    ]
    assert Counter(together(proofs + more)) == {303: 24}
    assert Counter(state for _category, state in rows(app))[State.CONFIRMED] == 12


def test_workers_who_tell_of_a_change_at_once_tell_everybody_once(
    app: Flask, client: Client, clock: FakeClock, smtp: MailServer
) -> None:
    change(app, Event, SLUG, invitations=True)
    with app.app_context(), writing():
        make_crowd(event_named(SLUG), 40, now=clock.now)
    move_session(app, "human-rights", timedelta(minutes=30))
    clock.advance(timedelta(minutes=10))

    def run() -> int:
        with app.app_context():
            return worker.run_once()

    together([run] * 4)
    told = Counter(mail.recipients for mail in smtp.mails)
    assert (len(told), set(told.values())) == (40, {1})


def test_a_change_of_language_and_a_moved_session_at_once_leave_one_true_invitation(
    app: Flask, client: Client, clock: FakeClock, smtp: MailServer
) -> None:
    change(app, Event, SLUG, invitations=True)
    take_part(client, smtp)
    move_session(app, "human-rights", timedelta(minutes=30))
    clock.advance(timedelta(minutes=10))
    smtp.clear()
    form = own_form(client, "form[action='/my/']")

    def run() -> int:
        with app.app_context():
            return worker.run_once()

    together([run, lambda: again(app, client, form, language="fr"), run])
    work(app)
    last = smtp.invitations_to(AMINA)
    by_start = {one.walk("VEVENT")[0].start.astimezone(FIRST_START.tzinfo): one.walk("VEVENT")[0] for one in last}
    assert by_start.keys() >= {FIRST_START + timedelta(minutes=30), SECOND_START}
    assert {str(event["SUMMARY"].params["LANGUAGE"]) for event in by_start.values()} == {"fr"}


def while_open(app: Flask, unit: Callable[[], object], meanwhile: Callable[[], object]) -> None:
    """Do `meanwhile` in a thread while a unit of work is done and still open; it commits when the other has ended, or
    stands before a lock."""
    with app.app_context(), writing():
        unit()
        other = threading.Thread(target=meanwhile)
        other.start()
        other.join(1)
    other.join(30)
    assert not other.is_alive()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_who_cancels_while_the_invitations_are_on_their_way_has_them_taken_back(
    app: Flask, client: Client, clock: FakeClock, smtp: MailServer
) -> None:
    change(app, Event, SLUG, invitations=True)
    sign_up(client)
    work(app)
    client.post(link_in(smtp.last_to(AMINA), "/prove/"))
    while_open(app, lambda: participation.cancel(registrations(AMINA)[0], now=clock.now), lambda: work(app))
    work(app)
    methods = Counter(str(one["METHOD"]) for one in smtp.invitations_to(AMINA))
    assert methods["REQUEST"] == methods["CANCEL"] > 0
    with app.app_context():
        assert Standing.INVITED not in {one.standing for one in registrations(AMINA)[0].invitations_held}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_event_file_that_comes_while_a_worker_tells_of_an_earlier_edit_is_told_too(
    app: Flask, client: Client, clock: FakeClock, smtp: MailServer
) -> None:
    change(app, Event, SLUG, invitations=True)
    take_part(client, smtp)
    move_session(app, "human-rights", timedelta(minutes=30))
    clock.advance(timedelta(minutes=10))
    earlier = (
        (ROOT / "examples" / "dialogue-2021.yaml")
        .read_text()
        .replace("starts: 2021-05-25 10:00", "starts: 2021-05-25 09:00")
    )

    def bring() -> None:
        import_event(earlier, as_slug=SLUG, shift_to="2026-05-26T09:00", now=clock.now)

    while_open(app, bring, lambda: work(app))
    clock.advance(timedelta(minutes=10))
    work(app)
    [event] = smtp.invitations_to(AMINA)[-1].walk("VEVENT")
    assert event.start.astimezone(FIRST_START.tzinfo) == FIRST_START - timedelta(hours=1)


def test_workers_that_answer_at_once_owe_no_more_proofs_than_one(app: Flask, now: datetime) -> None:
    with app.app_context(), writing():
        category = next(one for one in event_named(SLUG).categories if one.slug == "youth")
        for number in range(20):
            form = signup.SignUp(
                personal=Personal(name=f"Name {number}", address=AMINA),
                session_ids=(category.event.sessions[0].id,),
                language="en",
                stream_language="floor",
                zone="UTC",
            )
            submissions.take_sign_up(category, form, now=now)

    def answer() -> int:
        with app.app_context():
            return tray.empty(now=now)

    assert sum(together([answer] * 4)) == 20
    with app.app_context():
        due = Counter(db.session.scalars(select(Delivery.due_at)))
    assert due == {now + timedelta(hours=number): 5 for number in range(4)}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_who_is_erased_while_a_form_of_theirs_is_answered_waits_for_that(app: Flask, now: datetime) -> None:
    """And neither for ever: the worker holds the form and wants the registration."""
    with app.app_context():
        number = take_part_by_rule(now=now)
        with writing():
            submissions.take_find(event_named(SLUG), AMINA, now=now)

    def answer() -> None:
        taken = submissions.next_waiting(now=now)
        assert taken is not None
        other.start()
        other.join(1)
        submissions.answer(taken, now=now)

    failed: list[OperationalError] = []

    def erase() -> None:
        try:
            with app.app_context(), writing():
                erasure.erase(db.session.get_one(Registration, number), by_link=True, now=now)
        except OperationalError as error:
            failed.append(error)

    other = threading.Thread(target=erase)
    with app.app_context(), writing():
        answer()
    other.join(30)
    assert (failed, other.is_alive()) == ([], False)
    with app.app_context():
        assert registrations(AMINA)[0].leaving_since == now
