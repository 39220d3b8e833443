"""docs/asvs.md names each requirement once, and only tests and places that exist."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from config import ROOT

DOCS = ROOT / "docs"
PAGE = (DOCS / "asvs.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\d+)\.(\d+)\.(\d+) \|(.*)\|(.*)\|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+(?:::\w+)?)`")
LINK = re.compile(r"\]\(([\w.-]*)(?:#([\w-]+))?\)")
WAYS = ("`tests/", "written: ", "no, because ", "the operator’s: ", "does not apply: ")

LAST = {
    # The last requirement of level 1 or 2 of each section, from which those of level 3 below are left out.
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2,
    "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1,
    "3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2,
    "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4,
    "5.4": 2,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2,
    "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1,
    "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
    "12.1": 3, "12.2": 2, "12.3": 4,
    "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5,
    "14.1": 2, "14.2": 4, "14.3": 3,
    "15.1": 3, "15.2": 3, "15.3": 7,
    "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3,
}  # fmt: skip
TAKEN_OF_LEVEL_3 = {"1.2.10", "6.3.8"}


def rows() -> list[tuple[str, str, str]]:
    """(number, words, what shows it) of each row."""
    return [(".".join(found.groups()[:3]), found[4].strip(), found[5].strip()) for found in ROW.finditer(PAGE)]


@cache
def names_in(path: Path) -> frozenset[str]:
    """The names of a file's tests; one in a class behind the name of that."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    inside = {f"{one.name}::{test}" for one in classes for test in _functions(one.body)}
    return frozenset(_functions(tree.body) | inside)


def _functions(body: list[ast.stmt]) -> set[str]:
    return {node.name for node in body if isinstance(node, ast.FunctionDef)}


@cache
def headings(page: Path) -> frozenset[str]:
    """The names by which links reach a page's headings."""
    lines = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return frozenset(re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines)


def test_each_requirement_stands_there_once() -> None:
    wanted = {f"{section}.{number}" for section, last in LAST.items() for number in range(1, last + 1)}
    assert Counter(number for number, _words, _shown in rows()) == Counter(wanted | TAKEN_OF_LEVEL_3)
    assert len(rows()) == 205


def test_each_row_has_words_and_one_way_of_saying_what_shows_it() -> None:
    assert [number for number, words, _shown in rows() if not words] == []
    assert [number for number, _words, shown in rows() if not shown.startswith(WAYS)] == []
    assert [number for number, _words, shown in rows() if any(shown == way.strip() for way in WAYS)] == []


def test_the_tests_that_are_named_exist() -> None:
    named = {(path, test) for page in DOCS.glob("*.md") for path, test in NAMED.findall(page.read_text("utf-8"))}
    assert named
    missing = [f"{path}::{test}" for path, test in sorted(named) if test not in _tests_of(path)]
    assert missing == []


def _tests_of(path: str) -> frozenset[str]:
    return names_in(ROOT / path) if (ROOT / path).exists() else frozenset()


@pytest.mark.parametrize("page", ["asvs.md", "threat-model.md", "privacy.md"])
def test_links_lead_to_pages_and_headings_that_exist(page: str) -> None:
    links = LINK.findall((DOCS / page).read_text(encoding="utf-8"))
    targets = [(DOCS / (file or page), heading) for file, heading in links]
    lost = [f"{file.name}#{heading}" for file, heading in targets if not file.exists() or not _has(file, heading)]
    assert lost == []


def _has(file: Path, heading: str) -> bool:
    return not heading or heading in headings(file)


@pytest.mark.parametrize("page", ["asvs.md", "threat-model.md", "privacy.md"])
def test_files_of_the_code_that_are_named_exist(page: str) -> None:
    named = re.findall(
        r"(?<![\w/])((?:registration|deploy|requirements|templates|examples)/[\w/.-]*\w\.\w+)",
        (DOCS / page).read_text("utf-8"),
    )
    assert [path for path in named if not (ROOT / path).exists()] == []
