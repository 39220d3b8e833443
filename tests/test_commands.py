"""The command line, as the contract in docs/architecture.md has it."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskCliRunner
from openpyxl import load_workbook
from sqlalchemy import func, select

from config import ROOT, Settings
from registration import develop
from registration.domain import accounts
from registration.domain.personal import open_personal
from registration.extensions import db
from registration.models import Delivery, Event, Export, Organizer, OrganizerSession, Registration
from registration.models.invitation import Reply
from registration.models.organizer import Role
from tests.conftest import MakeSettings
from tests.support.client import Client
from tests.support.clock import START, FakeClock
from tests.support.dialogue import AMINA, DAY, FIRST_START, LAST_END, MINUTE, SLUG, load_dialogue, sign_up, take_part
from tests.support.event_files import SAMPLE_PATH
from tests.support.organizers import DESK, add_person, at_desk
from tests.support.ports import free_port
from tests.support.replies import PROGRAMS, bare, invitations, invite, mail, part
from tests.support.smtp import MailServer

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OWNER = "owner@example.org"
Run = Callable[..., Result]


@pytest.fixture
def run(runner: FlaskCliRunner) -> Run:
    """Run a command by its words; it has to end with `code`."""

    def run(*words: str, code: int = 0, on_stdin: bytes | None = None) -> Result:
        result = runner.invoke(args=list(words), input=on_stdin)
        assert result.exit_code == code, result.output
        return result

    return run


def dialogue_2021(run: Run, *more: str, code: int = 0) -> Result:
    return run("event", "import", str(SAMPLE_PATH), *more, code=code)


def exported(run: Run, path: Path, form: str, *more: str, code: int = 0) -> Result:
    words = ("--format", form, "--output", str(path), "--by", OWNER, "--reason", "Badges for the room")
    return run("attendees", "export", SLUG, *words, *more, code=code)


@pytest.fixture
def crowd(app: Flask, run: Run) -> None:
    """Twenty invented people, and an owner who may take lists."""
    load_dialogue(app)
    run("crowd", SLUG, "--size", "20")
    run("organizer", "add", OWNER, "--role", "owner")


def test_an_event_file_is_taken_in_and_once_more_changes_nothing(run: Run) -> None:
    assert [dialogue_2021(run).output for _time in range(2)] == [
        "dialogue-2021: created\n",
        "dialogue-2021: unchanged\n",
    ]


def test_an_event_can_be_taken_in_under_another_name_and_time(run: Run) -> None:
    dialogue_2021(run)
    assert dialogue_2021(run, "--as", "dialogue-next", "--shift-to", "2027-05-25").output == "dialogue-next: created\n"
    assert dialogue_2021(run, "--as", "later", "--shift-to", "2027-06-01T15:30").output == "later: created\n"
    assert run("event", "list").output.splitlines() == [
        "dialogue-2021\tpublished\t2021-05-25 10:00\tAmerica/New_York",
        "dialogue-next\tpublished\t2027-05-25 10:00\tAmerica/New_York",
        "later\tpublished\t2027-06-01 15:30\tAmerica/New_York",
    ]


@SQLITE
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--as", "No Slug"), "A slug has small letters"),
        (("--shift-to", "next May"), "next May is no date; write it as 2027-05-25 or 2027-05-25T10:00."),
    ],
)
def test_an_import_that_cannot_be_ends_with_a_sentence(run: Run, words: tuple[str, str], sentence: str) -> None:
    result = dialogue_2021(run, *words, code=1)
    assert result.output.startswith("Error: ")
    assert sentence in result.output


@SQLITE
def test_a_faulty_file_is_refused_with_line_and_field_and_leaves_nothing(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "event.yaml"
    file.write_text(SAMPLE_PATH.read_text().replace("starts: 2021-05-25 10:00", "starts: 2021-03-14 02:30"))
    result = run("event", "import", str(file), code=1)
    assert re.search(r"line \d+, sessions", result.output)
    assert "does not exist in America/New_York" in result.output
    assert run("event", "list").output == ""


@SQLITE
def test_an_event_without_sessions_is_listed_too(app: Flask, run: Run) -> None:
    load_dialogue(app)
    with app.app_context():
        event = db.session.execute(select(Event)).scalar_one()
        event.sessions = []
        db.session.commit()
    assert run("event", "list").output == f"{SLUG}\tpublished\tno session\tAmerica/New_York\n"


def test_a_crowd_is_confirmed_and_cannot_be_written_to(app: Flask, run: Run, crowd: None) -> None:
    assert run("crowd", SLUG, "--size", "5").output == f"{SLUG}: 5 more\n"
    with app.app_context():
        people = db.session.execute(select(Registration)).scalars().all()
        addresses = {open_personal(one).address for one in people}
        assert {one.state for one in people} == {"confirmed"}
    assert len(addresses) == 25
    assert all(address.endswith(".invalid") for address in addresses)


@SQLITE
@pytest.mark.parametrize("size", ["0", "-1", "x"])
def test_a_crowd_has_a_sensible_size(app: Flask, run: Run, size: str) -> None:
    load_dialogue(app)
    assert "Invalid value for '--size'" in run("crowd", SLUG, "--size", size, code=2).output


@SQLITE
def test_a_crowd_for_no_event_is_refused(run: Run) -> None:
    assert "There is no such event" in run("crowd", "no-such", "--size", "1", code=1).output


class TestWithAMailServerElsewhere:
    @pytest.fixture
    def settings(self, make_settings: MakeSettings, database_url: str) -> Settings:
        return replace(make_settings(database_url), mail_server="mail.example.org")

    @SQLITE
    def test_a_crowd_is_refused(self, app: Flask, run: Run) -> None:
        load_dialogue(app)
        assert "MAIL_SERVER is not on this machine" in run("crowd", SLUG, "--size", "1", code=1).output
        with app.app_context():
            assert db.session.execute(select(func.count()).select_from(Registration)).scalar_one() == 0


def test_a_list_is_written_as_csv_for_its_owner_alone(run: Run, crowd: None, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    assert exported(run, path, "csv").output == f"20 rows in {path}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_bytes().decode("utf-8-sig")
    header, *people = csv.reader(io.StringIO(text))
    assert (header, len(people)) == (["name", "organization", "country", "state"], 20)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")


@SQLITE
def test_a_list_is_written_as_json_and_xlsx(run: Run, crowd: None, tmp_path: Path) -> None:
    exported(run, tmp_path / "list.json", "json")
    exported(run, tmp_path / "list.xlsx", "xlsx")
    people = json.loads((tmp_path / "list.json").read_bytes())
    sheet = load_workbook(tmp_path / "list.xlsx").active
    assert sheet
    cells = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert cells[0] == ["name", "organization", "country", "state"]
    assert len(people) == len(cells) - 1 == 20
    assert cells[1] == [people[0][name] for name in cells[0]]


def test_every_list_stands_in_the_book_with_who_and_why(app: Flask, run: Run, crowd: None, tmp_path: Path) -> None:
    exported(run, tmp_path / "list.csv", "csv", "--columns", "name,category", "--unmask")
    with app.app_context():
        entry = db.session.execute(select(Export)).scalar_one()
        assert (entry.format, entry.columns, entry.unmasked) == ("csv", ["name", "category"], True)
        assert b"Badges" not in entry.sealed


@SQLITE
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--by", "nobody@example.org"), "There is no organizer with this address"),
        (("--reason", " "), "Say why you take this list"),
        (("--columns", "name,shoe_size"), "column"),
    ],
)
@pytest.mark.usefixtures("crowd")
def test_a_list_that_may_not_leave_is_not_written(run: Run, tmp_path: Path, words: list[str], sentence: str) -> None:
    path = tmp_path / "list.csv"
    assert sentence in exported(run, path, "csv", *words, code=1).output
    assert not path.exists()


@SQLITE
def test_who_may_only_view_takes_no_list(run: Run, crowd: None, tmp_path: Path) -> None:
    run("organizer", "add", "viewer@example.org", "--role", "viewer", "--event", SLUG)
    result = exported(run, tmp_path / "list.csv", "csv", "--by", "viewer@example.org", code=1)
    assert "may not export lists" in result.output


def test_an_organizer_gets_a_link_that_sets_the_password_once(app: Flask, client: Client, run: Run) -> None:
    link = run("organizer", "add", OWNER, "--role", "owner").output.strip()
    assert link.startswith("https://events.example.org/organizer/password/")
    page = client.page(link)
    words = "seven different words here now"
    client.submit(page.form(), password=words, again=words)
    assert client.get(link).status_code == 404


@SQLITE
@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("not an address", "--role", "owner"), 1, "This is not a mail address"),
        ((OWNER, "--role", "king"), 2, "Invalid value for '--role'"),
        ((OWNER, "--role", "owner", "--event", "no-such"), 1, "There is no such event"),
        ((OWNER,), 2, "Missing option '--role'"),
    ],
)
def test_an_account_that_cannot_be_is_not_made(run: Run, words: tuple[str, ...], code: int, sentence: str) -> None:
    assert sentence in run("organizer", "add", *words, code=code).output


def test_a_disabled_organizer_is_out_at_once_and_cannot_come_back(app: Flask, run: Run) -> None:
    load_dialogue(app)
    desk = at_desk(app, Role.OWNER, address=OWNER)
    assert desk.get(DESK).status_code == 200
    with app.app_context():
        key = accounts.password_key(accounts.organizer_with(OWNER))
    assert run("organizer", "disable", OWNER).output == f"{OWNER}: disabled\n"
    assert desk.get(DESK).status_code == 303
    assert desk.get(f"/organizer/password/{key}/").status_code == 404
    with app.app_context():
        assert db.session.execute(select(func.count()).select_from(OrganizerSession)).scalar_one() == 0


@SQLITE
@pytest.mark.parametrize(("words", "statuses"), [(("sign-out", OWNER), [303, 200]), (("sign-out-all",), [303, 303])])
def test_the_operator_signs_organizers_out(
    app: Flask, run: Run, words: tuple[str, ...], statuses: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    """A restored backup has the sessions that had ended since."""
    caplog.set_level(logging.INFO, "plenary.security")
    load_dialogue(app)
    desks = [at_desk(app, Role.OWNER, address=address) for address in (OWNER, "other@example.org")]
    told = f"{statuses.count(303)} sessions ended\n"
    assert run("organizer", *words).output == told
    assert [desk.get(DESK).status_code for desk in desks] == statuses
    with app.app_context():
        account = accounts.organizer_with(OWNER).public_id if OWNER in words else "all"
    assert caplog.messages == [f"sessions_ended account={account}"]


@SQLITE
def test_an_account_that_is_not_there_cannot_be_disabled(run: Run) -> None:
    assert "There is no organizer with this address" in run("organizer", "disable", OWNER, code=1).output


def test_worker_once_does_what_is_due_and_ends(app: Flask, client: Client, run: Run, smtp: MailServer) -> None:
    load_dialogue(app)
    sign_up(client)
    assert run("worker", "--once").output == "1 mails\n"
    assert run("worker", "--once").output == "0 mails\n"
    assert [mail.recipients for mail in smtp.mails] == [(AMINA,)]


@SQLITE
def test_in_production_the_worker_keeps_to_the_real_time(run: Run) -> None:
    result = run("worker", "--once", "--at", "2027-05-24T14:00", code=1)
    assert "--at is for development only: set PLENARY_ENV=development." in result.output


class TestOnADevelopmentMachine:
    @pytest.fixture
    def settings(self, make_settings: MakeSettings, database_url: str, tmp_path: Path) -> Settings:
        return replace(make_settings(database_url), env="development", instance_path=tmp_path)

    @SQLITE
    @pytest.mark.parametrize("at", [f"{FIRST_START - DAY:%Y-%m-%dT%H:%M}", "2026-05-25T19:45:00+05:45"])
    def test_the_worker_can_be_told_another_time(
        self, app: Flask, client: Client, run: Run, smtp: MailServer, at: str
    ) -> None:
        load_dialogue(app)
        take_part(client, smtp)
        assert run("worker", "--once", "--at", at).output == "1 mails\n"
        assert smtp.last_to(AMINA).subject.startswith("Reminder: ")

    @SQLITE
    def test_a_second_start_opens_no_link_to_set_the_password(self, context: None, tmp_path: Path) -> None:
        password = develop._organizer_password(tmp_path)
        assert develop._organizer_password(tmp_path) == password
        organizer = accounts.check_sign_in(develop.ORGANIZER, password, "", now=START)
        assert organizer.password_link_until is None
        assert db.session.scalars(select(Organizer)).all() == [organizer]

    @SQLITE
    @pytest.mark.parametrize("at", ["soon", "2026-02-30T10:00", "25/05/2026"])
    def test_a_time_that_is_none_is_refused(self, run: Run, at: str) -> None:
        assert "--at takes a time like 2027-05-24T14:00 (UTC)." in run("worker", "--at", at, code=1).output


def test_purge_forgets_people_and_says_how_many(
    app: Flask, client: Client, run: Run, smtp: MailServer, clock: FakeClock
) -> None:
    load_dialogue(app)
    take_part(client, smtp)
    assert run("purge").output == ""
    clock.move_to(LAST_END + 30 * DAY)
    assert run("purge").output == f"{SLUG}: 1 registrations forgotten\n"
    with app.app_context():
        assert db.session.execute(select(func.count()).select_from(Delivery)).scalar_one() == 0


NO_REPLY = "nothing to note: no reply to an invitation\n"


@pytest.fixture
def amina(app: Flask) -> str:
    """The public id of somebody who is invited to the first session."""
    load_dialogue(app)
    with app.app_context():
        public_id = add_person("Amina", address=AMINA)
        invite(public_id, "human-rights")
    return public_id


def replied(app: Flask, public_id: str) -> tuple[str, Reply | None, datetime | None]:
    """The UID of somebody's first session, their reply to its invitation, and when it was given."""
    with app.app_context():
        held = invitations(public_id)["human-rights"]
        return held.session.code, held.reply, held.replied_at


def test_a_reply_on_standard_input_is_noted(
    app: Flask, run: Run, amina: str, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    uid = replied(app, amina)[0]
    for number, (make, answer) in enumerate(zip(PROGRAMS.values(), [*Reply, *Reply], strict=False)):
        at = clock.advance(MINUTE)
        result = run("invitations", "read-reply", on_stdin=make(uid, AMINA, answer.upper(), at))
        assert (number, result.stdout, result.stderr, caplog.text) == (number, f"noted: {answer}\n", "", "")
        assert replied(app, amina) == (uid, answer, at)


@SQLITE
def test_a_reply_that_cannot_be_noted_is_no_fault_and_named_nowhere(
    app: Flask, run: Run, amina: str, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    uid, now = replied(app, amina)[0], clock.now
    run("invitations", "read-reply", on_stdin=bare(uid, AMINA, "ACCEPTED", now))
    said = [
        run("invitations", "read-reply", on_stdin=message).output
        for message in (
            bare(uid, AMINA, "DECLINED", now - DAY / 2).replace(b"DTSTAMP", b"X-A"),
            bare("unknown", AMINA, "DECLINED", now),
            bare(uid, "stranger@example.org", "DECLINED", now),
            bare(uid, AMINA, "NEEDS-ACTION", now),
            mail(AMINA, part("text/plain", b"I am away until Monday.", "7bit")),
            b"\x00\xff",
            b"",
        )
    ]
    not_held = "nothing to note: no such invitation\n"
    assert said == ["noted: declined\n", not_held, not_held, NO_REPLY, NO_REPLY, NO_REPLY, NO_REPLY]
    clock.advance(DAY)
    run("invitations", "read-reply", on_stdin=bare(uid, AMINA, "TENTATIVE", now + DAY))
    older = run("invitations", "read-reply", on_stdin=bare(uid, AMINA, "ACCEPTED", now + DAY / 2))
    assert older.output == "nothing to note: a newer reply is known\n"
    assert (replied(app, amina)[1:], caplog.text) == ((Reply.TENTATIVE, now + DAY), "")


@SQLITE
def test_what_is_attached_to_a_reply_keeps_nothing_from_being_noted(
    app: Flask, run: Run, amina: str, clock: FakeClock
) -> None:
    message = PROGRAMS["Gmail"](replied(app, amina)[0], AMINA, "DECLINED", clock.now)
    assert run("invitations", "read-reply", on_stdin=message + b"x" * 20_000_000).output == "noted: declined\n"


@SQLITE
@pytest.mark.parametrize(
    "hostile",
    [
        b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(200)) + b"\n" * 10**6,
        b'Content-Type: text/plain; x="' + b";" * 10**6 + b'"\n\n',
    ],
    ids=["multiparts", "parameters"],
)
def test_a_mail_made_to_be_read_for_ever_is_given_up(run: Run, hostile: bytes) -> None:
    started = time.process_time()
    assert run("invitations", "read-reply", on_stdin=hostile).output == NO_REPLY
    assert time.process_time() - started < 5


@pytest.mark.parametrize("url", ["sqlite:////no/such/folder/plenary.sqlite", "postgresql://plenary@127.0.0.1:{port}/x"])
def test_a_mail_server_can_hand_over_anything_and_tries_again_while_the_database_is_away(
    tmp_path: Path, url: str
) -> None:
    """As programs: a mail server takes a broken pipe for a fault, and any end but 0 and 75 for a reason to bounce."""
    environ = {
        "PATH": os.environ["PATH"],
        "PLENARY_ENV": "development",
        "PLENARY_INSTANCE": str(tmp_path),
        "DATABASE_URL": url.format(port=free_port()),
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "invitations", "read-reply"]
    for message, code, said in (
        (b"\xff" * 20_000_000, 0, NO_REPLY),
        (bare("x", AMINA, "DECLINED", START), os.EX_TEMPFAIL, ""),
    ):
        with subprocess.Popen(
            command, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as program:
            assert program.stdin
            assert program.stdout
            assert program.stderr
            program.stdin.write(message)
            program.stdin.close()
            told = program.stderr.read().decode()
            assert (program.stdout.read().decode(), program.wait(60)) == (said, code)
            assert AMINA not in told
            assert "Traceback" not in told


@SQLITE
def test_develop_is_for_development_alone(run: Run) -> None:
    assert "set PLENARY_ENV=development" in run("develop", code=1).output


@SQLITE
def test_the_contracts_commands_are_all_there(app: Flask, runner: FlaskCliRunner) -> None:
    """As docs/architecture.md names them."""
    contract = (ROOT / "docs" / "architecture.md").read_text().partition("## Contract")[2]
    named = {
        "event import",
        "event list",
        "crowd",
        "attendees export",
        "mail check",
        "organizer add",
        "organizer disable",
        "organizer sign-out",
        "organizer sign-out-all",
        "mail read-bounce",
        "mail read-bounces",
        "worker",
        "purge",
    }
    for command in sorted(named):
        assert f"`{command}" in contract
        assert runner.invoke(args=[*command.split(), "--help"]).exit_code == 0


@SQLITE
@pytest.mark.usefixtures("crowd")
def test_an_export_that_cannot_be_written_is_a_sentence_and_stands_in_no_book(
    app: Flask, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "nowhere" / "list.csv"
    assert exported(run, path, "csv", code=1).output == f"Error: {path} cannot be written: No such file or directory.\n"
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Export)) == 0
