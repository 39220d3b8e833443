"""Bounces the whole way: a real mail, the server's report about it, the command that reads it, and what follows."""

from __future__ import annotations

import mailbox
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select, update

from config import ROOT, Settings
from registration.domain import owing
from registration.extensions import db, writing
from registration.models import Delivery, StoppedAddress
from registration.models.delivery import DeliveryKind as Kind
from registration.models.delivery import DeliveryState as State
from tests.support.bounces import SERVERS, postfix
from tests.support.client import Client
from tests.support.clock import START, FakeClock
from tests.support.dialogue import AMINA, DAY, FIND, load_dialogue, owed, prove, registration, sign_up, work
from tests.support.ports import free_port
from tests.support.replies import bare, mail, part
from tests.support.smtp import MailServer

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NONE_OF_OURS = "nothing to note: no report about a mail of ours\n"
UNKNOWN = "nothing to note: no such mail, or noted before\n"
STOPPED = "noted: the mail came back, and its address gets no more\n"
Read = Callable[[bytes], str]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, bounce_address="bounces@example.org")


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


@pytest.fixture
def read(runner: FlaskCliRunner) -> Read:
    """What `mail read-bounce` says of a mail."""

    def read(message: bytes) -> str:
        result = runner.invoke(args=["mail", "read-bounce"], input=message)
        assert (result.exit_code, result.stderr) == (0, "")
        return result.stdout

    return read


def mails(app: Flask) -> list[tuple[Kind, State]]:
    with app.app_context():
        return owed()


def stops(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(StoppedAddress.status)))


def owe(app: Flask, kind: Kind) -> None:
    with app.app_context(), writing():
        owing.owe(registration(1), kind, now=START)


@pytest.mark.parametrize("server", SERVERS)
def test_a_real_mail_comes_back_and_its_address_gets_no_more(
    client: Client, smtp: MailServer, read: Read, clock: FakeClock, server: str
) -> None:
    app = client.application
    sign_up(client)
    work(app)
    sent = smtp.last_to(AMINA)
    owe(app, Kind.PROVE)
    assert read(SERVERS[server](sent.octets)) == STOPPED
    assert mails(app) == [(Kind.PROVE, State.BOUNCED), (Kind.PROVE, State.STOPPED)]
    clock.advance(DAY)
    client.post(FIND, data={"address": AMINA})
    sign_up(client, "experts")
    work(app)
    assert [state for _kind, state in mails(app)][2:] == [State.STOPPED, State.STOPPED]
    assert smtp.mails == [sent]
    assert read(SERVERS[server](sent.octets)) == UNKNOWN


@SQLITE
def test_whoever_has_a_stopped_address_is_told_the_same_as_anybody(
    app: Flask, client: Client, smtp: MailServer, read: Read
) -> None:
    fresh = sign_up(client)
    work(app)
    read(postfix(smtp.last_to(AMINA).octets))
    again, lost = sign_up(client, "experts"), client.post(FIND, data={"address": AMINA})
    nobody = client.post(FIND, data={"address": "nobody@example.org"})
    assert (again.status_code, again.location, again.data) == (fresh.status_code, fresh.location, fresh.data)
    assert (lost.status_code, lost.location, lost.data) == (nobody.status_code, nobody.location, nobody.data)


@pytest.mark.parametrize(
    ("reply", "status", "stopped"),
    [
        ("550 5.1.1 <amina@example.org>: no such user", "5.1.1", ["5.1.1"]),
        ("550 5.2.2 full", "5.2.2", []),
        ("550 4.1.1 confused", None, []),
        ("550 No such user", None, []),
        ("450 4.2.1 later", "4.2.1", []),
    ],
)
def test_a_refusal_that_says_so_stops_the_address_at_once(
    client: Client, smtp: MailServer, reply: str, status: str | None, stopped: list[str]
) -> None:
    app = client.application
    sign_up(client)
    owe(app, Kind.LINK)
    with app.app_context(), writing():
        db.session.execute(update(Delivery).where(Delivery.kind == Kind.LINK).values(next_try_at=START + DAY))
    smtp.replies[AMINA] = reply
    assert work(app) == 1
    with app.app_context():
        kept = [
            (one.kind, one.state, one.reply_status)
            for one in db.session.scalars(select(Delivery).order_by(Delivery.id))
        ]
    first = State.WAITING if reply.startswith("4") else State.FAILED
    assert kept == [(Kind.PROVE, first, status), (Kind.LINK, State.STOPPED if stopped else State.WAITING, None)]
    assert stops(app) == stopped


@SQLITE
def test_bounces_go_to_their_own_address(app: Flask, client: Client, smtp: MailServer) -> None:
    sign_up(client)
    work(app)
    sent = smtp.last_to(AMINA)
    assert (sent.sender, sent.message["From"].addresses[0].addr_spec) == ("bounces@example.org", "dialogue@example.org")


@SQLITE
def test_other_mails_and_forged_reports_change_nothing(
    app: Flask, client: Client, smtp: MailServer, read: Read, caplog: pytest.LogCaptureFixture
) -> None:
    sign_up(client)
    work(app)
    sent = smtp.last_to(AMINA).octets
    message_id = str(smtp.last_to(AMINA).message["Message-ID"]).encode()
    forged = message_id.replace(message_id[1:33], b"0" * 32)
    said = [
        read(message)
        for message in (
            b"",
            b"\x00\xff",
            b"\xff" * 20_000_000,
            mail(AMINA, part("text/plain", b"I am away until Monday.", "7bit")),
            bare("x", AMINA, "DECLINED", START),
            postfix(sent.replace(b"@events.example.org>", b"@events.example.com>")),
            postfix(b"Subject: Words\r\n\r\n"),
            postfix(sent, action="delayed"),
            postfix(sent.replace(message_id, forged)),
        )
    ]
    assert said == [NONE_OF_OURS] * 7 + ["nothing to note: the mail is not given up\n", UNKNOWN]
    assert (mails(app), stops(app), caplog.text) == ([(Kind.PROVE, State.SENT)], [], "")


@SQLITE
def test_a_long_report_is_read_and_one_made_to_be_read_for_ever_given_up(
    app: Flask, client: Client, smtp: MailServer, read: Read
) -> None:
    sign_up(client)
    work(app)
    nested = b"".join(b"Content-Type: multipart/report; boundary=%d\n\n--%d\n" % (n, n) for n in range(200))
    assert read(nested + b"\n" * 10**6) == NONE_OF_OURS
    assert read(postfix(smtp.last_to(AMINA).octets) + b"x" * 20_000_000) == STOPPED


@pytest.mark.parametrize("url", ["sqlite:////no/such/folder/plenary.sqlite", "postgresql://plenary@127.0.0.1:{port}/x"])
def test_a_mail_server_tries_again_while_the_database_is_away(tmp_path: Path, url: str) -> None:
    """As programs: any end but 0 and 75 would bounce the bounce."""
    environ = {
        "PATH": os.environ["PATH"],
        "PLENARY_ENV": "development",
        "PLENARY_INSTANCE": str(tmp_path),
        "PUBLIC_URL": "http://127.0.0.1",
        "DATABASE_URL": url.format(port=free_port()),
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "mail", "read-bounce"]
    report = postfix(b"Message-ID: <%b@127.0.0.1>\r\n\r\n" % (b"0" * 32))
    done = subprocess.run(command, cwd=ROOT, env=environ, input=report, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (os.EX_TEMPFAIL, b"")
    assert b"hand this mail over again later" in done.stderr
    assert AMINA.encode() not in done.stderr


@pytest.mark.parametrize("kind", ["maildir", "mbox"])
def test_a_mailbox_is_left_without_its_reports(
    client: Client, smtp: MailServer, runner: FlaskCliRunner, tmp_path: Path, kind: str
) -> None:
    app = client.application
    for address in (AMINA, "bo@example.org"):
        sign_up(client, address=address)
    work(app)
    reports = [postfix(smtp.last_to(AMINA).octets), postfix(smtp.last_to("bo@example.org").octets, "5.2.2")]
    path = tmp_path / kind
    box: mailbox.Mailbox = mailbox.Maildir(path) if kind == "maildir" else mailbox.mbox(path)  # type: ignore[type-arg]
    other = mail(AMINA, part("text/plain", b"I am away until Monday.", "7bit")).replace(b"\r\n", b"\n")
    for message in (reports[0], other, reports[1]):
        box.add(message)
    box.close()
    words = ["mail", "read-bounces", "--mailbox", str(path)]
    assert runner.invoke(args=words).output == "2 bounces read, 1 addresses stopped, 1 other mails left\n"
    assert [state for _kind, state in mails(app)] == [State.BOUNCED, State.BOUNCED]
    assert runner.invoke(args=words).output == "0 bounces read, 0 addresses stopped, 1 other mails left\n"
    left = mailbox.Maildir(path) if kind == "maildir" else mailbox.mbox(path)
    assert [bytes(left.get_bytes(key)).strip() for key in left.keys()] == [other.strip()]  # noqa: SIM118
    left.close()


@SQLITE
def test_a_mailbox_that_is_missing_or_locked_is_told_in_a_sentence(runner: FlaskCliRunner, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "locked").write_text("")
    (tmp_path / "locked.lock").write_text("")
    told = {
        name: runner.invoke(args=["mail", "read-bounces", "--mailbox", str(tmp_path / name)])
        for name in ("nothing", "folder", "locked")
    }
    missing = "There is no mailbox at {path}: name a Maildir or an mbox file."
    sentences = {
        "nothing": missing,
        "folder": missing,
        "locked": "Another program uses {path} just now; run this again later.",
    }
    expected = {name: (1, f"Error: {words.format(path=tmp_path / name)}\n") for name, words in sentences.items()}
    assert {name: (result.exit_code, result.output) for name, result in told.items()} == expected


def test_a_bounce_of_a_proved_persons_mail_leaves_the_registration_as_it_is(
    app: Flask, client: Client, smtp: MailServer, read: Read
) -> None:
    sign_up(client)
    work(app)
    prove(client, smtp)
    work(app)
    assert read(postfix(smtp.last_to(AMINA).octets)) == STOPPED
    assert client.get("/my/").status_code == 200
