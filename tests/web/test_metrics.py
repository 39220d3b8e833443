"""/metrics: the outbox in numbers for those whom the settings allow; for all others there is no such page."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import TestResponse

from config import Settings
from registration.extensions import db, writing
from registration.models import StoppedAddress
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import AMINA, DAY, FIRST_START, MINUTE, load_dialogue, sign_up, take_part_by_rule, work
from tests.support.smtp import MailServer

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HERE, ELSEWHERE = "10.1.2.3", "192.0.2.7"
STATES = ("due", "waiting", "retrying", "sent", "failed", "bounced", "stopped", "dropped")


@pytest.fixture
def proxies() -> int:
    return 0


@pytest.fixture
def settings(settings: Settings, proxies: int) -> Settings:
    networks = (ip_network("10.1.0.0/16"), ip_network("2001:db8::/32"))
    return replace(settings, metrics_allow=networks, trusted_proxies=proxies)


def ask(client: Client, address: str, **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get("/metrics", environ_overrides={"REMOTE_ADDR": address}, headers=named)


def numbers(client: Client) -> dict[str, float]:
    """{name or state: value} as Prometheus reads the answer."""
    families = text_string_to_metric_families(ask(client, HERE).text)
    return {one.labels.get("state", one.name): one.value for family in families for one in family.samples}


def expected(**values: float) -> dict[str, float]:
    names = ("oldest_due_seconds", "mail_overdue", "reminders_overdue", "addresses_stopped", "submissions_overdue")
    zeros = dict.fromkeys([*STATES, *(f"plenary_{name}" for name in names)], 0.0)
    return {**zeros, **values}


def test_it_counts_what_stands_in_the_database(app: Flask, client: Client, smtp: MailServer, clock: FakeClock) -> None:
    load_dialogue(app)
    assert numbers(client) == expected()
    sign_up(client)
    clock.advance(timedelta(seconds=90))
    assert numbers(client) == expected(due=1, plenary_oldest_due_seconds=90)
    smtp.replies[AMINA] = "451 4.3.0 Later"
    work(app)
    assert numbers(client) == expected(retrying=1, plenary_oldest_due_seconds=90)
    clock.advance(MINUTE)
    assert numbers(client) | {"retrying": 0, "due": 0} == expected(
        plenary_oldest_due_seconds=150, plenary_mail_overdue=1
    )
    smtp.replies.clear()
    clock.advance(MINUTE)
    work(app)
    with app.app_context(), writing():
        db.session.add(StoppedAddress(address_hash=b"x" * 32, status="5.1.1", stopped_at=clock.now))
    assert numbers(client) == expected(sent=1, plenary_addresses_stopped=1)


def test_it_counts_reminders_that_no_worker_makes(app: Flask, client: Client, clock: FakeClock) -> None:
    load_dialogue(app)
    with app.app_context():
        take_part_by_rule(now=clock.now)
    sent = numbers(client)
    clock.move_to(FIRST_START - DAY + 3 * MINUTE)
    assert numbers(client) == {**sent, "plenary_reminders_overdue": 1}


@SQLITE
def test_it_names_no_event_and_nobody(app: Flask, client: Client, smtp: MailServer) -> None:
    load_dialogue(app)
    sign_up(client)
    answer = ask(client, HERE)
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert answer.headers["Cache-Control"] == "no-store"
    samples = [line for line in answer.text.splitlines() if not line.startswith("#")]
    assert [line.partition(" ")[0] for line in samples] == [
        *(f'plenary_mails{{state="{state}"}}' for state in STATES),
        "plenary_oldest_due_seconds",
        "plenary_mail_overdue",
        "plenary_reminders_overdue",
        "plenary_addresses_stopped",
        "plenary_submissions_overdue",
    ]


@SQLITE
@pytest.mark.parametrize(
    ("address", "status"),
    [(HERE, 200), ("2001:db8::5", 200), ("::ffff:10.1.2.3", 200), (ELSEWHERE, 404), ("2001:db9::5", 404),
     ("127.0.0.1", 404), ("", 404), ("unix:", 404)],
)  # fmt: skip
def test_it_is_there_for_the_addresses_in_the_settings_alone(client: Client, address: str, status: int) -> None:
    assert ask(client, address).status_code == status


@SQLITE
def test_others_get_the_page_of_an_address_that_leads_nowhere(client: Client) -> None:
    unknown = client.get("/no-such-page")
    refused = ask(client, ELSEWHERE)
    assert (refused.status_code, refused.data) == (404, unknown.data)
    assert dict(refused.headers) == dict(unknown.headers)


@SQLITE
def test_a_proxy_that_is_not_declared_lends_nobody_its_address(client: Client) -> None:
    assert ask(client, HERE, X_Forwarded_For=ELSEWHERE).status_code == 404
    assert ask(client, HERE, Forwarded=f"for={ELSEWHERE}").status_code == 404
    assert ask(client, ELSEWHERE, X_Forwarded_For=HERE).status_code == 404


@SQLITE
@pytest.mark.parametrize("proxies", [1])
def test_behind_a_declared_proxy_the_client_it_names_counts(client: Client) -> None:
    assert ask(client, ELSEWHERE, X_Forwarded_For=HERE).status_code == 200
    assert ask(client, HERE, X_Forwarded_For=ELSEWHERE).status_code == 404
    assert ask(client, HERE, X_Forwarded_For=f"{HERE}, {ELSEWHERE}").status_code == 404
