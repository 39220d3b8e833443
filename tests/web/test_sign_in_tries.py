"""Trying passwords: it slows whoever tries, where they try, and locks nobody out of an account."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from registration.domain import accounts
from registration.extensions import db
from registration.models.organizer import Role
from registration.web import limits
from tests.support.client import Client
from tests.support.clock import Seconds
from tests.support.dialogue import load_dialogue
from tests.support.organizers import PASSWORD, make_organizer, set_password
from tests.support.pages import Page

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SIGN_IN = "/organizer/sign-in/"
OWNER, NOBODY = "owner@example.org", "nobody@example.org"
ATTACKER, OFFICE = "203.0.113.66", "192.0.2.7"
WRONG = "seven lanterns under ice"


@pytest.fixture(autouse=True)
def _account(app: Flask, seconds: Seconds) -> None:
    load_dialogue(app)
    with app.app_context():
        make_organizer(OWNER, Role.OWNER)
        set_password(OWNER)


def browser_at(app: Flask, network: str) -> Client:
    """A new browser in a network."""
    client = app.test_client()
    assert isinstance(client, Client)
    client.environ_base["REMOTE_ADDR"] = network
    return client


class Door:
    """The sign-in form in a browser: tried again and again."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.form = client.page(SIGN_IN).form()

    def tries(self, times: int, address: str = OWNER, password: str = WRONG) -> list[int]:
        """Try so many times; answers the statuses."""
        return [self.client.send(self.form, address=address, password=password).status_code for _try in range(times)]

    def waits(self, address: str = OWNER) -> str:
        """Try once more; answers for how many seconds one is told to wait."""
        return self.client.send(self.form, address=address, password=WRONG).headers.get("Retry-After", "")


def sign_in(client: Client) -> Page:
    return client.submit(client.page(SIGN_IN).form(), address=OWNER, password=PASSWORD)


@pytest.mark.parametrize(
    ("tries", "minutes"),
    [(0, 0), (1, 0), (4, 0), (5, 1), (6, 2), (7, 4), (8, 8), (9, 15), (10, 15), (50, 15), (10**6, 15)],
)
def test_the_wait_doubles_from_a_minute_to_a_quarter_of_an_hour(tries: int, minutes: int) -> None:
    assert limits.wait_after(tries) == minutes * 60


@pytest.mark.parametrize("address", [OWNER, NOBODY])
def test_after_five_failures_the_wait_grows_whether_or_not_the_address_is_known(
    app: Flask, seconds: Seconds, address: str
) -> None:
    door = Door(browser_at(app, ATTACKER))
    assert door.tries(6, address) == [422] * 5 + [429]
    for wait in (60, 120, 240, 480, 900, 900):
        assert door.waits(address) == str(wait)
        seconds.pass_by(wait - 1)
        assert door.waits(address) == "1"
        seconds.pass_by(1)
        assert door.tries(1, address) == [422]


def test_of_fifty_tries_five_are_looked_at(app: Flask) -> None:
    assert sorted(Door(browser_at(app, ATTACKER)).tries(50)) == [422] * 5 + [429] * 45


def test_many_tries_at_once_are_counted_one_by_one(app: Flask) -> None:
    doors = [Door(browser_at(app, ATTACKER)) for _door in range(12)]
    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(lambda door: door.tries(1)[0], doors))
    assert statuses.count(422) <= 5
    assert set(statuses) <= {422, 429}


def test_the_page_says_how_long_to_wait_and_keeps_the_address(app: Flask, seconds: Seconds) -> None:
    door = Door(browser_at(app, ATTACKER))
    door.tries(5)
    seconds.pass_by(60)
    door.tries(1)
    page = door.client.submit(door.form, 429, address=OWNER, password=WRONG)
    assert page.texts(".summary li") == ["There were too many tries; wait 2 minutes and try again."]
    assert page.one("[name=address]")["value"] == OWNER
    assert page.one("[name=password]").get("value", "") == ""


def test_the_right_password_begins_the_count_anew(app: Flask) -> None:
    client = browser_at(app, OFFICE)
    assert Door(client).tries(4) == [422] * 4
    sign_in(client)
    client.delete_cookie("__Host-device", domain="events.example.org")
    assert Door(client).tries(4) == [422] * 4


def test_one_network_tries_ten_passwords_a_minute_whatever_the_account(app: Flask) -> None:
    door = Door(browser_at(app, ATTACKER))
    statuses = [door.tries(1, f"account-{number}@example.org")[0] for number in range(11)]
    assert statuses == [422] * 10 + [429]


def test_the_owner_signs_in_elsewhere_during_an_attack(app: Flask) -> None:
    Door(browser_at(app, ATTACKER)).tries(50)
    assert sign_in(browser_at(app, OFFICE)).heading == "My events"


def test_a_device_that_has_signed_in_before_does_so_from_the_attackers_own_network(app: Flask) -> None:
    client = browser_at(app, ATTACKER)
    sign_in(client)
    Door(browser_at(app, ATTACKER)).tries(50)
    assert sign_in(client).heading == "My events"


def test_one_network_that_goes_on_for_long_slows_no_other(app: Flask, seconds: Seconds) -> None:
    door = Door(browser_at(app, ATTACKER))
    for _minute in range(12):
        door.tries(10)
        seconds.pass_by(60)
    assert sign_in(browser_at(app, OFFICE)).heading == "My events"


def test_failures_from_very_many_networks_slow_strange_devices_alone(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SAME_ACCOUNT", 10)
    known = browser_at(app, OFFICE)
    sign_in(known)
    door = Door(browser_at(app, ATTACKER))
    statuses = []
    for number in range(10):
        door.client.environ_base["REMOTE_ADDR"] = f"198.51.100.{number}"
        statuses += door.tries(1)
    assert statuses == [422] * 9 + [429]  # One was the owner's own.
    stranger = Door(browser_at(app, "192.0.2.8"))
    assert stranger.tries(1, password=PASSWORD) == [429]
    assert stranger.tries(1, NOBODY) == [422]
    assert sign_in(known).heading == "My events"


def test_the_one_time_link_makes_a_device_known(app: Flask) -> None:
    with app.app_context():
        key = accounts.password_key(make_organizer(OWNER, Role.OWNER))
    client = browser_at(app, ATTACKER)
    client.submit(client.page(f"/organizer/password/{key}/").form(), password=PASSWORD, again=PASSWORD)
    Door(browser_at(app, ATTACKER)).tries(50)
    assert sign_in(client).heading == "My events"


def test_a_known_device_is_slowed_by_its_own_failures(app: Flask) -> None:
    client = browser_at(app, OFFICE)
    sign_in(client)
    assert Door(client).tries(6) == [422] * 5 + [429]


@pytest.mark.parametrize("forged", ["", "A" * 44, "é" * 44, "A" * 22, "A" * 4000])
def test_a_forged_device_is_a_strange_one(app: Flask, forged: str) -> None:
    client = browser_at(app, ATTACKER)
    client.set_cookie("__Host-device", forged, domain="events.example.org", secure=True)
    assert Door(client).tries(6) == [422] * 5 + [429]
    client.delete_cookie("__Host-device", domain="events.example.org")
    assert Door(client).tries(1) == [429]


def test_a_device_of_one_account_is_strange_to_another(app: Flask) -> None:
    with app.app_context():
        make_organizer("editor@example.org", Role.EDITOR)
    client = browser_at(app, ATTACKER)
    sign_in(client)
    Door(browser_at(app, ATTACKER)).tries(5, "editor@example.org")
    assert Door(client).tries(1, "editor@example.org") == [429]


def test_the_cookie_of_a_device_tells_nothing_of_anybody(app: Flask) -> None:
    client = browser_at(app, OFFICE)
    sign_in(client)
    cookie = client.get_cookie("__Host-device", domain="events.example.org")
    assert cookie is not None
    with app.app_context():
        organizer = accounts.organizer_with(OWNER)
        assert [one for one in (OWNER, organizer.public_id) if one in cookie.value] == []
    assert len(cookie.value) == 44


def test_so_many_passwords_are_looked_at_at_a_time_and_no_thread_waits(app: Flask) -> None:
    door = Door(browser_at(app, OFFICE))
    with limits.hashing(), limits.hashing():
        assert door.tries(1, password=PASSWORD) == [429]
    assert door.tries(1, password=PASSWORD) == [303]


def test_the_security_log_tells_of_accounts_and_never_what_was_typed(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "plenary.security")
    door = Door(browser_at(app, ATTACKER))
    door.tries(1)
    door.tries(1, NOBODY)
    door.tries(1, "my-password-typed-here")
    home = sign_in(door.client)
    door.client.submit(home.form("header form"))
    with app.app_context():
        account = accounts.organizer_with(OWNER).public_id
        db.session.rollback()
    assert [one.getMessage() for one in caplog.records if one.name == "plenary.security"] == [
        f"sign_in_failed account={account}",
        "sign_in_failed account=unknown",
        "sign_in_failed account=unknown",
        f"sign_in account={account}",
        f"sign_out account={account}",
    ]
