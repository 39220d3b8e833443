"""An edited event file on the command line: who is told what is said, beforehand or with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskCliRunner

from registration.domain.programme import event_named, session_called
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import AMINA, FIRST_START, MINUTE, SLUG, load_dialogue, take_part, work
from tests.support.event_files import SAMPLE_PATH
from tests.support.smtp import MailServer

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TOLD = "human-rights: 1 person is told: the new time. By calendar invitation. Languages: English (1). "
LATER = ("ends: 2021-05-25 13:15", "ends: 2021-05-25 14:00")
RENAMED = ("ru: Открытие и дискуссия", "ru: Начало")
Import = Callable[..., list[str]]


@pytest.fixture(autouse=True)
def _amina_takes_part(app: Flask, client: Client, smtp: MailServer) -> None:
    load_dialogue(app, invitations=True)
    take_part(client, smtp)
    smtp.clear()


@pytest.fixture
def take_in(runner: FlaskCliRunner, tmp_path: Path) -> Import:
    """Import the file with some words in place of others; answers with the lines that are printed."""

    def take_in(*options: str, edit: tuple[str, str] = ("", "")) -> list[str]:
        text = SAMPLE_PATH.read_text()
        assert edit[0] in text
        file = tmp_path / "event.yaml"
        file.write_text(text.replace(*edit) if edit[0] else text)
        shift = ("--as", SLUG, "--shift-to", "2026-05-26")
        result: Result = runner.invoke(args=["event", "import", str(file), *shift, *options])
        assert result.exit_code == 0, result.output
        return result.output.splitlines()

    return take_in


def revision(app: Flask) -> int:
    with app.app_context():
        return session_called(event_named(SLUG), "human-rights").revision


def test_a_preview_says_who_would_be_told_and_changes_nothing(app: Flask, take_in: Import) -> None:
    assert take_in("--preview", edit=LATER) == [
        f"{SLUG}: updated (a preview: nothing is changed)",
        f"{TOLD}1 person is told at 10:10 (New York, UTC−5).",
    ]
    assert take_in("--preview") == [f"{SLUG}: unchanged (a preview: nothing is changed)"]
    assert revision(app) == 0
    assert work(app) == 0


def test_an_import_says_who_is_told_what_and_when(
    app: Flask, take_in: Import, smtp: MailServer, clock: FakeClock
) -> None:
    told = f"{TOLD}1 person is told at 10:10 (New York, UTC−5)."
    assert take_in(edit=LATER) == [f"{SLUG}: updated", told]
    clock.advance(5 * MINUTE)
    assert take_in(edit=LATER) == [f"{SLUG}: unchanged", told]
    assert work(app) == 0
    clock.advance(5 * MINUTE)
    assert work(app) == 1
    assert [mail.subject.partition(":")[0] for mail in smtp.to(AMINA)] == ["New time"]
    assert take_in(edit=LATER) == [f"{SLUG}: unchanged"]


def test_an_import_can_tell_at_once(app: Flask, take_in: Import, smtp: MailServer) -> None:
    now = f"{TOLD}1 person is told now."
    assert take_in("--send-now", "--preview", edit=LATER)[1:] == [now]
    assert work(app) == 0
    assert take_in("--send-now", edit=LATER) == [f"{SLUG}: updated", now]
    assert work(app) == 1
    assert len(smtp.to(AMINA)) == 1


@SQLITE
def test_what_was_imported_before_can_be_told_at_once(app: Flask, take_in: Import) -> None:
    take_in(edit=LATER)
    assert take_in("--send-now", edit=LATER) == [f"{SLUG}: unchanged", f"{TOLD}1 person is told now."]
    assert work(app) == 1


@SQLITE
def test_a_change_that_nobody_reads_is_told_to_nobody(take_in: Import) -> None:
    assert take_in(edit=RENAMED) == [f"{SLUG}: updated", "human-rights: Nobody has to be told."]


@SQLITE
def test_undoing_an_import_in_time_tells_nobody(app: Flask, take_in: Import, clock: FakeClock) -> None:
    take_in(edit=LATER)
    assert take_in() == [f"{SLUG}: updated", "human-rights: Nobody has to be told."]
    clock.advance(10 * MINUTE)
    assert work(app) == 0


@SQLITE
def test_shortly_before_the_start_an_import_tells_at_once(take_in: Import, clock: FakeClock) -> None:
    clock.move_to(FIRST_START - 30 * MINUTE)
    assert take_in(edit=LATER)[1:] == [f"{TOLD}1 person is told now."]
