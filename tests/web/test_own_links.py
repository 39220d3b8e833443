"""The links of a participant, listed on their own page and renewed from there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session

from registration.domain import erasure, own_links, stopped
from registration.domain.link_keys import LinkKind
from registration.errors import NotFound
from registration.extensions import db, limiter, writing
from registration.models import Registration
from registration.models.delivery import DeliveryKind, DeliveryState
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import (
    AMINA,
    DAY,
    FIRST_START,
    MINUTE,
    link_in,
    load_dialogue,
    owed,
    registrations,
    take_part,
    take_part_by_rule,
    work,
)
from tests.support.keys import keys_of
from tests.support.pages import Page
from tests.support.smtp import MailServer

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CARDS = "section[aria-labelledby=links-heading] .card"
NAMES = ["The link to this page", "The address of your feed", "The link that ends reminders and announcements"]
LASTING = ("manage", "feed", "unsubscribe")
PATHS = {"manage": "/my/{}/", "feed": "/feeds/{}.ics", "unsubscribe": "/unsubscribe/{}/"}


@pytest.fixture
def amina(app: Flask, client: Client, smtp: MailServer) -> Client:
    """Amina's browser, in which her own page is open."""
    load_dialogue(app)
    take_part(client, smtp)
    return client


def renew(visitor: Client, name: str, status: int = 200) -> Page:
    return visitor.submit(visitor.page("/my/").form(f"form[action='/my/links/{name}/renew/']"), status)


def opened(app: Flask, keys: dict[str, str]) -> dict[str, bool]:
    """Which of these keys open something for a stranger."""
    return {name: app.test_client().get(PATHS[name].format(keys[name])).status_code != 404 for name in LASTING}


@SQLITE
def test_the_own_page_lists_each_with_what_it_opens_and_its_age(amina: Client, clock: FakeClock) -> None:
    assert amina.page("/my/").texts(f"{CARDS} h3") == NAMES
    made = "Monday, 2 March 2026, 20:45 (Kathmandu, UTC+5:45)"
    helps = [text.partition(".")[0] for text in amina.page("/my/").texts(f"{CARDS} .help")]
    assert helps == [f"Made: {made}"] * 3
    clock.advance(timedelta(days=1))
    page = renew(amina, "unsubscribe")
    helps = [text.partition(".")[0] for text in page.texts(f"{CARDS} .help")]
    assert helps == [f"Made: {made}"] * 2 + ["Renewed: Tuesday, 3 March 2026, 20:45 (Kathmandu, UTC+5:45)"]
    opens = page.texts(f"{CARDS} p:not(.help)")
    assert (
        opens[0] == "It shows your name, your address and your sessions, and changes them. It is in our mails to you."
    )


@SQLITE
def test_a_feed_that_is_off_opens_nothing_and_the_list_says_so(amina: Client) -> None:
    amina.submit(amina.page("/my/").form("form[action='/my/feed/off/']"))
    assert amina.page("/my/").texts(f"{CARDS} p:not(.help)")[1] == "It is switched off and opens nothing."


@pytest.mark.parametrize(
    ("name", "renewed"),
    [("manage", ["manage"]), ("feed", ["feed"]), ("unsubscribe", ["unsubscribe"]), ("all", LASTING)],
)
def test_renewing_ends_the_old_ones_of_that_kind_alone(
    app: Flask, amina: Client, name: str, renewed: list[str]
) -> None:
    old = keys_of(app, AMINA)
    renew(amina, name)
    new = keys_of(app, AMINA)
    assert opened(app, old) == {one: one not in renewed for one in LASTING}
    assert opened(app, new) == dict.fromkeys(LASTING, True)
    assert old["prove"] == new["prove"]
    assert amina.get("/my/").status_code == 200


@SQLITE
def test_a_new_link_to_the_page_signs_out_other_devices_and_comes_by_mail(
    app: Flask, amina: Client, smtp: MailServer
) -> None:
    lost = app.test_client()
    lost.get(f"/my/{keys_of(app, AMINA)['manage']}/")
    page = renew(amina, "manage")
    assert page.texts(".notice[role=status]") == [
        "The link to this page is new. Only this browser still opens it; a mail brings you the link."
    ]
    refused = lost.get("/my/")
    assert (refused.status_code, "This link is not valid any more; ask for a new one." in refused.text) == (404, True)
    work(app)
    assert lost.get(link_in(smtp.last_to(AMINA), "/my/")).status_code == 303
    assert lost.get("/my/").status_code == 200


def test_a_mail_that_waits_leaves_with_the_new_link(app: Flask, amina: Client, smtp: MailServer) -> None:
    renew(amina, "manage")
    renew(amina, "manage")
    work(app)
    with app.app_context():
        assert owed(DeliveryKind.LINK) == [(DeliveryKind.LINK, DeliveryState.SENT)] * 2
    new = f"/my/{keys_of(app, AMINA)['manage']}/"
    assert [link_in(mail, "/my/") for mail in smtp.mails[-2:]] == [new, new]


@SQLITE
def test_who_can_get_no_mail_is_told_before_they_renew(app: Flask, amina: Client, now: object) -> None:
    warning = "after renewing it, only this browser opens the page."
    assert warning not in amina.page("/my/").text
    with app.app_context(), writing():
        stopped.stop(registrations(AMINA)[0].address_hash, "5.1.1", now=now)  # type: ignore[arg-type]
    assert warning in amina.page("/my/").text
    renew(amina, "manage")
    assert amina.get("/my/").status_code == 200


@SQLITE
def test_nothing_else_renews_the_link_that_ends_reminders(
    app: Flask, amina: Client, smtp: MailServer, clock: FakeClock
) -> None:
    clock.move_to(FIRST_START - DAY)
    work(app)
    link = link_in(smtp.last_to(AMINA), "/unsubscribe/")
    renew(amina, "manage")
    renew(amina, "feed")
    amina.submit(amina.page("/my/").form("form[action='/my/']"), discreet=True)
    amina.submit(amina.page("/my/").form("form[action='/my/cancel/']"))
    clock.move_to(FIRST_START + 300 * MINUTE)
    answer = app.test_client(use_cookies=False).post(link, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    with app.app_context():
        assert registrations(AMINA)[0].unsubscribed_at == clock.now


@SQLITE
def test_the_next_reminder_has_the_renewed_link(app: Flask, amina: Client, smtp: MailServer, clock: FakeClock) -> None:
    renew(amina, "unsubscribe")
    clock.move_to(FIRST_START - DAY)
    work(app)
    assert link_in(smtp.last_to(AMINA), "/unsubscribe/") == f"/unsubscribe/{keys_of(app, AMINA)['unsubscribe']}/"


def test_of_two_who_renew_at_once_with_one_key_only_one_gets_the_new_one(app: Flask, amina: Client) -> None:
    """Whoever comes second has shown a key that has ended meanwhile."""
    form = amina.page("/my/").form("form[action='/my/links/manage/renew/']")
    windows = [app.test_client() for _window in range(8)]
    for window in windows:
        window._cookies = dict(amina._cookies or {})
    with ThreadPoolExecutor(len(windows)) as pool:
        sent = {"data": form.values, "headers": {"Referer": form.page.url}}
        statuses = list(pool.map(lambda window: window.post(form.action, **sent).status_code, windows))
    assert sorted(statuses) == [303, *[404] * 7]
    with app.app_context():
        assert db.session.query(Registration).one().manage_generation == 1


@pytest.mark.needs_postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "act",
    [
        lambda one, now: own_links.renew(one, [LinkKind.MANAGE], now=now),
        lambda one, now: erasure.erase(one, by_link=True, now=now),
    ],
    ids=["renew", "erase"],
)
def test_a_key_that_ends_between_the_look_at_it_and_the_lock_opens_nothing(
    app: Flask, context: None, now: datetime, act: Callable[[Registration, datetime], None]
) -> None:
    load_dialogue(app)
    number = take_part_by_rule(now=now)

    def renew_elsewhere() -> None:
        with app.app_context(), writing():
            own_links.renew(db.session.get_one(Registration, number), [LinkKind.MANAGE], now=now)

    with writing():
        shown = db.session.get_one(Registration, number)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(renew_elsewhere).result(30)
        with pytest.raises(NotFound, match="not valid any more"):
            act(shown, now)
    stands = db.session.get_one(Registration, number)
    assert (stands.manage_generation, stands.leaving_since) == (1, None)


@SQLITE
def test_only_the_page_itself_renews_and_not_without_end(app: Flask, amina: Client) -> None:
    assert amina.post("/my/links/all/renew/").status_code == 400
    assert app.test_client().post("/my/links/all/renew/").status_code == 400
    assert [amina.post(f"/my/links/{name}/renew/").status_code for name in ("prove", "password", "x")] == [404] * 3
    before = keys_of(app, AMINA)
    limiter.reset()
    form = amina.page("/my/").form("form[action='/my/links/feed/renew/']")
    statuses = [amina.send(form).status_code for _press in range(61)]
    assert (statuses[0], statuses[-1]) == (303, 429)
    assert keys_of(app, AMINA)[LinkKind.MANAGE] == before[LinkKind.MANAGE]


@SQLITE
def test_whoever_shows_an_old_key_is_never_handed_the_new_one(app: Flask, amina: Client, database_url: str) -> None:
    """Somebody else renews it between the commit and the answer."""
    form = amina.page("/my/").form("form[action='/my/']")
    with app.app_context():
        before = keys_of(app, AMINA)["manage"]

    def renew(_session: Session) -> None:
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as other:
            other.execute("UPDATE registration SET manage_generation = manage_generation + 1")
            other.commit()

    event.listen(Session, "after_commit", renew)
    try:
        answer = amina.send(form)
    finally:
        event.remove(Session, "after_commit", renew)
    assert (answer.status_code, f"__Host-my={before};" in answer.headers["Set-Cookie"]) == (303, True)
    assert amina.get("/my/").status_code == 404
