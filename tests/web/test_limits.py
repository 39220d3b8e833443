"""How often forms may be sent: from one network, about one address; and who is taken for whom behind proxies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as some
from redis import Redis

from config import Settings
from registration.extensions import limiter
from registration.networks import network_of
from tests.support.client import Client
from tests.support.clock import Seconds
from tests.support.dialogue import AMINA, FIND, REGISTER, answers, empty_tray, load_dialogue, registrations, take_part
from tests.support.smtp import MailServer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FORM = f"{REGISTER}youth/"
NOWHERE = "/prove/" + "A" * 44 + "/"
"""A form that costs nothing: its key is nobody's."""
HERE, THERE = "192.0.2.1", "198.51.100.9"


@pytest.fixture(autouse=True)
def _dialogue(app: Flask, seconds: Seconds) -> None:
    load_dialogue(app)


def tries(client: FlaskClient, path: str, times: int, address: str = HERE, **named: object) -> list[int]:
    """Send a form so many times from a network, each time with what `named` gives; answers the statuses."""
    asked = {"environ_overrides": {"REMOTE_ADDR": address}, "base_url": "https://events.example.org", **named}
    return [client.post(path, **asked).status_code for _time in range(times)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("", "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_a_network_is_an_address_of_ipv4_or_the_64_of_ipv6(address: str, network: str) -> None:
    assert network_of(address) == network


@given(some.ip_addresses(v=6))
def test_whoever_has_a_64_has_one_network(address: object) -> None:
    first = network_of(str(address))
    assert first == network_of(first.removesuffix("/64"))


def test_forms_of_one_network_are_counted_together_and_of_others_apart(client: Client) -> None:
    assert tries(client, NOWHERE, 61) == [404] * 60 + [429]
    assert tries(client, NOWHERE, 1, f"::ffff:{HERE}") == [429]
    assert tries(client, NOWHERE, 1, THERE) == [404]


def test_a_household_changes_its_ipv6_address_in_vain(client: Client) -> None:
    assert [tries(client, NOWHERE, 1, f"2001:db8::{one:x}") for one in range(61)] == [[404]] * 60 + [[429]]
    assert tries(client, NOWHERE, 1, "2001:db8:0:1::") == [404]


@pytest.mark.parametrize("named", ["X-Forwarded-For", "Forwarded", "X-Real-Ip", "Client-Ip", "X-Client-Ip"])
def test_without_a_declared_proxy_no_header_makes_another_network(client: Client, named: str) -> None:
    answers = [tries(client, NOWHERE, 1, headers={named: f"203.0.113.{one}"}) for one in range(61)]
    assert answers == [[404]] * 60 + [[429]]


class TestBehindProxies:
    """The last so many of X-Forwarded-For are ours; what stands before them is the reader's own invention."""

    @pytest.fixture(params=[1, 2])
    def settings(self, settings: Settings, request: pytest.FixtureRequest) -> Settings:
        """With so many proxies declared."""
        return replace(settings, trusted_proxies=request.param)

    def said(self, settings: Settings, reader: str, *forged: str) -> dict[str, str]:
        """What our proxies say of a reader, after what the reader says."""
        inner = ["10.0.0.1"] * (settings.trusted_proxies - 1)
        return {"X-Forwarded-For": ", ".join([*forged, reader, *inner]), "X-Forwarded-Host": "evil.example"}

    def test_a_forged_header_neither_evades_a_limit_nor_shifts_it(self, client: Client, settings: Settings) -> None:
        told = [
            tries(client, NOWHERE, 1, "10.0.0.2", headers=self.said(settings, HERE, THERE, f"203.0.113.{one}"))
            for one in range(61)
        ]
        assert told == [[404]] * 60 + [[429]]
        for victim in (THERE, "203.0.113.0"):
            assert tries(client, NOWHERE, 1, "10.0.0.2", headers=self.said(settings, victim)) == [404]

    def test_a_header_that_is_too_short_or_nonsense_counts_for_nothing(self, client: Client) -> None:
        """Nobody has come through all our proxies then: the limit is that of whoever speaks to us."""
        for one in range(60):
            tries(client, NOWHERE, 1, "10.0.0.2", headers={"X-Forwarded-For": f"not an address {one}, also not {one}"})
        assert tries(client, NOWHERE, 1, "10.0.0.3", headers={"X-Forwarded-For": "nonsense, nonsense"}) == [429]


def test_a_lost_link_is_sent_for_so_often_whoever_asks_and_whether_or_not_it_is_known(
    client: Client, smtp: MailServer
) -> None:
    take_part(client, smtp)
    for address in (AMINA, "nobody@example.org"):
        told = [tries(client, FIND, 1, f"192.0.2.{one}", data={"address": address.upper()}) for one in range(21)]
        assert told == [[303]] * 20 + [[429]]
    assert tries(client, FIND, 1, data={"address": "another@example.org"}) == [303]
    assert tries(client, FIND, 25, data={"address": " "}) == [422] * 25


def test_the_page_says_how_long_to_wait_and_keeps_what_was_typed(app: Flask, client: Client, seconds: Seconds) -> None:
    tries(client, FORM, 60, "127.0.0.1")
    seconds.pass_by(30.5)
    answer = client.post(FORM, data=answers(name="Zenobia"))
    page = client.parsed(answer, 429)
    assert answer.headers["Retry-After"] == "30"
    assert page.heading == "Too many tries"
    assert "There were too many tries; wait a minute and try again." in page.text
    seconds.pass_by(30)
    assert client.submit(page.form(), 200).heading == "Look at your mail"
    empty_tray(app)
    with app.app_context():
        assert len(registrations(AMINA)) == 1


def test_who_waits_longer_is_told_the_minutes(client: Client) -> None:
    answer = [client.post(FIND, data={"address": AMINA}) for _time in range(21)][-1]
    assert answer.headers["Retry-After"] == "3600"
    assert "wait 60 minutes" in client.parsed(answer, 429).text


def test_nothing_that_is_counted_names_a_reader_or_an_address(client: Client) -> None:
    tries(client, FORM, 1, data=answers())
    tries(client, FIND, 1, data={"address": AMINA})
    tries(client, "/organizer/sign-in/", 1, data={"address": AMINA})
    kept = " ".join(limiter.storage.storage)
    assert kept.count("LIMIT") >= 4
    assert [one for one in (HERE, AMINA, "amina") if one in kept] == []


class TestWithRedis:
    """Several processes count as one; without Redis each counts for itself."""

    @pytest.fixture
    def settings(self, settings: Settings, redis_url: str) -> Settings:
        """With the Redis of this run."""
        return replace(settings, redis_url=redis_url)

    @pytest.fixture(autouse=True)
    def _empty(self, redis_url: str) -> Iterator[None]:
        with Redis.from_url(redis_url) as store:
            store.flushall()
            yield
            store.flushall()

    def test_limits_hold_in_all_processes_and_redis_learns_no_address(self, client: Client, redis_url: str) -> None:
        assert tries(client, FIND, 20, data={"address": AMINA}) == [303] * 20
        with Redis.from_url(redis_url) as store:
            kept = [key.decode() for key in store.scan_iter()]
            assert len(kept) == 3
            assert [key for key in kept if HERE in key or "amina" in key.lower()] == []
        limiter.init_app(client.application)  # As another process begins: with nothing in its own memory.
        assert tries(client, FIND, 1, data={"address": AMINA}) == [429]


class TestWithoutItsRedis:
    """Nothing answers where Redis should."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        """With a Redis that is not there."""
        return replace(settings, redis_url="redis://127.0.0.1:1/0")

    @pytest.fixture(autouse=True)
    def _recover(self) -> Iterator[None]:
        yield
        limiter._storage_dead = False

    def test_pages_go_on_and_limits_hold_in_the_process(self, client: Client) -> None:
        assert tries(client, FIND, 21, data={"address": AMINA}) == [303] * 20 + [429]
        sign_in = {"address": AMINA, "password": "wrong"}
        assert tries(client, "/organizer/sign-in/", 1, data=sign_in) == [400]
