"""The guards that `make mutate` takes away are all there are, and the code without them still runs."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import pytest
from flask import Flask

from config import ROOT
from registration.domain.access import ALLOWED, Action
from tests.guards import finding
from tests.guards.finding import MAY_IN_TEMPLATE, mutants, write_switches
from tests.guards.known import NEAR, REDUNDANT

FOUND = mutants(ROOT)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_guarded_view_loses_its_guard(app: Flask) -> None:
    guarded = {name for name, view in app.view_functions.items() if hasattr(view, "action")}
    assert {one.view for one in FOUND if "without for_event" in one.what} == guarded


def test_every_question_whether_somebody_may_is_answered_with_yes() -> None:
    code = (path.read_text() for path in (ROOT / "registration").rglob("*.py"))
    asked = sum(len(re.findall(r"(?<!def )\bmay\((?=\w)", text)) for text in code)
    assert len([one for one in FOUND if one.new == "True" and "may(" in one.what]) == asked
    templates = (path.read_bytes() for path in (ROOT / "templates").rglob("*.html"))
    shown = sum(len(MAY_IN_TEMPLATE.findall(text)) for text in templates)
    assert len([one for one in FOUND if one.new == "true"]) == shown


def test_the_code_can_be_read_with_and_without_its_guards(tmp_path: Path) -> None:
    for folder in ("registration", "templates"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "translations"))
    write_switches(tmp_path, [one for one in FOUND if not one.view and not one.alone])
    for one in FOUND:
        if one.path.endswith(".py"):
            ast.parse((tmp_path / one.path).read_text())
    for one in (one for one in FOUND if one.view or one.alone):
        place = tmp_path / "alone" / one.path
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / one.path, place)
        one.write(tmp_path / "alone")
        ast.parse(place.read_text())


@pytest.mark.parametrize("name", [*finding.PERMISSIVE, *finding.REFUSERS, *finding.LOOKUPS])
def test_every_guard_that_is_known_by_name_is_there(name: str) -> None:
    """One that was renamed would be tried no more, and nobody would notice."""
    code = "".join(path.read_text() for path in (ROOT / "registration").rglob("*.py"))
    assert f"def {name}(" in code


@pytest.mark.parametrize("name", finding.LIMITS)
def test_every_limit_that_is_known_by_name_is_there(name: str) -> None:
    assert [one for one in FOUND if one.what.endswith(f"without {name}")] != []


def test_who_may_write_mails_or_read_the_book_may_see_the_list() -> None:
    """Some guards are redundant because of that, and the book of looks leads to people without asking again."""
    assert ALLOWED[Action.EDIT_MAIL] | ALLOWED[Action.SEE_BOOK] <= ALLOWED[Action.SEE_LIST]


def test_what_is_known_of_guards_is_of_guards_and_tests_that_there_are() -> None:
    assert {name: [f"{one.path} {one.what}" for one in FOUND].count(name) for name in REDUNDANT} == dict.fromkeys(
        REDUNDANT, 1
    )
    assert NEAR.keys() - {Path(one.path).stem for one in FOUND} == set()
    assert [test for tests in NEAR.values() for test in tests if not (ROOT / test).exists()] == []
