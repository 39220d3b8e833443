"""The watcher finds what is kept in clear: it could not watch over the other tests otherwise."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import update

from config import Settings
from registration.extensions import db, writing
from registration.models import Registration
from tests.support.dialogue import load_dialogue
from tests.support.organizers import add_person
from tests.support.watcher import found, watcher

NAME, ADDRESS = "Zénobie Example", "zenobie@example.org"
Plant = Callable[[Flask, Settings], None]


@pytest.fixture
def known(app: Flask) -> Iterator[None]:
    """A person whom the watcher knows; what the test plants is forgotten before it is searched for once more."""
    load_dialogue(app)
    with app.app_context():
        add_person(NAME, address=ADDRESS)
    yield
    watcher.forget()


def in_a_row(app: Flask, _settings: Settings) -> None:
    with app.app_context(), writing():
        db.session.execute(update(Registration).values(zone=ADDRESS.upper()))


def in_the_instance_folder(_app: Flask, settings: Settings) -> None:
    (settings.instance_path / "left.csv").write_text(f"{NAME};NP\n")


def in_the_log(app: Flask, _settings: Settings) -> None:
    try:
        raise ValueError(ADDRESS)
    except ValueError:
        logging.getLogger("plenary.worker").exception("failed")


@pytest.mark.parametrize(
    ("plant", "told"),
    [
        (in_a_row, {f"{ADDRESS} in plenary.sqlite-wal", f"{ADDRESS} in a table"}),
        (in_the_instance_folder, {f"{NAME} in left.csv"}),
        (in_the_log, {f"{ADDRESS} in the log"}),
    ],
)
@pytest.mark.usefixtures("known")
def test_what_is_planted_is_found(app: Flask, settings: Settings, plant: Plant, told: set[str]) -> None:
    assert watcher.hits(settings, app) == []
    plant(app, settings)
    (hit,) = watcher.hits(settings, app)
    assert hit in told


@pytest.mark.parametrize(
    "octets",
    [
        NAME.encode(),
        NAME.upper().encode(),
        b'{"name": "Z\\u00e9nobie Example"}',
        NAME.encode().hex().upper().encode(),
        base64.b64encode(NAME.encode()),
        base64.b64encode(f"a{NAME}".encode()),
        base64.b64encode(f"ab{NAME}, and so on".encode()),
    ],
)
def test_a_value_is_found_however_it_is_written(octets: bytes) -> None:
    assert found({NAME}, b"\0\xff" + octets + b"\0") == [NAME]


def test_what_is_not_there_is_not_found() -> None:
    assert found({NAME, ADDRESS}, b"Zenobie \xc3\xa9xample zenobie@example.com") == []


@pytest.mark.usefixtures("known")
def test_every_value_of_a_person_is_watched(app: Flask) -> None:
    with app.app_context():
        add_person("Bao Example", organization="Example Society", needs="a ramp", answers={"site": ["bao.example.org"]})
    assert {"Bao Example", "Example Society", "a ramp", "bao.example.org"} <= watcher.values
