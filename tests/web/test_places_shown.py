"""What public pages say of places: free, few or none left, on every one of them, and no number."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from registration.models import Category, Event
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import EVENT, LAST_END, REGISTER, SLUG, change, load_dialogue, take_part_by_rule, work

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FREE, FEW = "Places are free.", "Few places are left."
FULL = "All places are taken; you can join the waiting list."
SAID = re.compile("|".join(map(re.escape, (FREE, FEW, FULL))))


@pytest.fixture
def join(app: Flask, clock: FakeClock) -> Callable[[int], None]:
    """So many more people take part; the worker has been by."""
    load_dialogue(app)
    joined = iter(range(1000))

    def join(count: int) -> None:
        with app.app_context():
            for _person in range(count):
                take_part_by_rule(f"person{next(joined)}@example.org", now=clock.now)
        work(app)

    return join


def said(client: Client) -> tuple[list[str], list[str], list[str]]:
    """What stands on the event's page, beside the youth in the list of categories, and on their form."""
    card = next(one for one in client.page(REGISTER).texts(".card") if one.startswith("Youth"))
    texts = client.page(EVENT).text, card, client.page(f"{REGISTER}youth/").text
    return SAID.findall(texts[0]), SAID.findall(texts[1]), SAID.findall(texts[2])


def test_each_page_says_how_much_room_there_is(app: Flask, client: Client, join: Callable[[int], None]) -> None:
    change(app, Category, "youth", places=7)
    assert said(client) == ([FREE], [FREE], [FREE])
    join(1)
    assert said(client) == ([FREE], [FREE], [FREE])
    join(1)
    assert said(client) == ([FREE], [FEW], [FEW])
    join(5)
    assert said(client) == ([FREE], [FULL], [FULL])
    change(app, Category, "youth", places=20)
    work(app)
    assert said(client) == ([FREE], [FREE], [FREE])


def test_the_events_page_is_made_anew_when_its_places_go(
    app: Flask, client: Client, join: Callable[[int], None]
) -> None:
    change(app, Event, SLUG, places=8)
    free = client.get(EVENT)
    assert client.get(EVENT, headers={"If-None-Match": free.headers["ETag"]}).status_code == 304
    join(3)
    assert said(client) == ([FEW], [FEW], [FEW])
    few = client.get(EVENT, headers={"If-None-Match": free.headers["ETag"]})
    assert (few.status_code, FEW in few.text) == (200, True)
    join(5)
    assert said(client) == ([FULL], [FULL], [FULL])


@SQLITE
def test_between_the_changes_no_byte_of_a_page_tells_how_many(
    app: Flask, client: Client, join: Callable[[int], None]
) -> None:
    change(app, Category, "youth", places=20)

    def pages() -> list[bytes]:
        return [client.get(path).data for path in (EVENT, REGISTER, f"{REGISTER}youth/")]

    before = pages()
    for _person in range(3):
        join(1)
        assert pages() == before


@SQLITE
def test_once_it_is_closed_nothing_is_said_of_places(
    client: Client, clock: FakeClock, join: Callable[[int], None]
) -> None:
    join(0)
    clock.move_to(LAST_END)
    assert said(client) == ([], [], [])
