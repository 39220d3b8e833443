"""Forms that take only so many tries a minute from one network, whoever asks and whatever comes of the tries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from registration.extensions import limiter
from tests.support.access_matrix import ROWS, Subject
from tests.support.access_world import WRONG, World
from tests.support.clock import Seconds

A_MINUTE = {
    "signup.submit": 60,
    "signup.send_link": 60,
    "signup.prove": 60,
    "signup.erase_unproved": 60,
    "organizer.sign_in": 10,
    "organizer.set_password": 10,
    "organizer.change_password": 10,
    "organizer.end_sessions": 10,
    "organizer.take": 10,
    "organizer.unmask_list": 10,
    "organizer.show_category": 10,
    "organizer.show_vetting_name": 10,
    "organizer.erase": 10,
    "organizer.begin_second_factor": 10,
    "organizer.confirm_second_factor": 10,
    "organizer.end_second_factor": 10,
    "participant.change": 60,
    "own_links.renew": 60,
}


@pytest.fixture(autouse=True)
def _counted_anew() -> Iterator[None]:
    yield
    limiter.reset()


@pytest.mark.parametrize("endpoint", A_MINUTE)
def post(world: World, endpoint: str) -> int:
    """What comes of one try."""
    row = next(row for row in ROWS if row.endpoint == endpoint and row.method == "POST")
    client = FlaskClient(world.app, world.app.response_class, use_cookies=False)
    return client.post(
        world.fill(row.path, Subject.OWNER, person=WRONG),
        data={"csrf_token": world.csrf_token},
        base_url=world.app.config["PUBLIC_URL"],
        headers={"Cookie": world.cookies[Subject.OWNER]},
    ).status_code


@pytest.mark.parametrize("endpoint", A_MINUTE)
def test_so_many_tries_a_minute_and_no_more(world: World, endpoint: str) -> None:
    statuses = [post(world, endpoint) for _number in range(A_MINUTE[endpoint] + 1)]
    assert 429 not in statuses[:-1]
    assert statuses[-1] == 429


def test_an_account_erases_twenty_people_an_hour(world: World, seconds: Seconds) -> None:
    """Fewer than ten a minute, which passwords alone would stop."""
    statuses = []
    for _person in range(22):
        statuses.append(post(world, "organizer.erase"))
        seconds.pass_by(60)
    assert statuses == [*[404] * 20, 429, 429]
