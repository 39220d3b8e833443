"""Anything in the place of anything in an event file: faults or an event come of it, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from registration.domain.event_file import EventFileFaults, import_event
from registration.extensions import db
from tests.support.event_files import NOW, SMALL

pytestmark = [
    pytest.mark.usefixtures("context"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
TREE = YAML(typ="safe", pure=True).load(SMALL)


def paths(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    below = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for step, value in below:
        yield from paths(value, (*path, step))


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(
        [
            "",
            "en",
            "open",
            "2027-05-04 10:00",
            "0000-00-00 00:00",
            "9999-12-31 23:59",
            "https://",
            "http://a b",
            "@",
            "UTC",
        ]
    ),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(["slug", "name", "en", "fr", "starts", "categories", "x", ""]), below, max_size=3
        )
    ),
    max_leaves=6,
)


@hypothesis_settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(path=st.sampled_from(list(paths(TREE))), value=ANYTHING)
@example(path=("zone",), value=[])
@example(path=("sessions",), value={"starts": 1})
@example(path=("slug",), value={"a": "b"})
@example(path=("categories", 0, "slug"), value=["open"])
def test_anything_in_the_place_of_anything_gives_faults_or_an_event(path: tuple[Any, ...], value: object) -> None:
    told = None
    with rolled_back():
        try:
            import_event(json.dumps(replaced(TREE, path, value)), shift_to="2027-06-01", now=NOW)
        except EventFileFaults as faults:
            told = str(faults)
    assert told is None or re.fullmatch(r"(line \d+(, [^\n]*)?: [^\n]+\n?)+", told)


@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    start=st.integers(0, len(SMALL)),
    length=st.integers(0, 200),
    put=st.text(alphabet=" \n\t-:{}[]&*!|>'\"%@`#?,\\aé\0", max_size=12),
)
def test_a_torn_file_gives_faults_or_an_event(start: int, length: int, put: str) -> None:
    told = None
    with rolled_back():
        try:
            import_event(SMALL[:start] + put + SMALL[start + length :], now=NOW)
        except EventFileFaults as faults:
            told = str(faults)
    assert told != ""


@contextmanager
def rolled_back() -> Iterator[None]:
    try:
        yield
    finally:
        db.session.rollback()


def replaced(tree: Any, path: tuple[Any, ...], value: object) -> Any:
    if not path:
        return value
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[path[0]] = replaced(copy[path[0]], path[1:], value)
    return copy
