"""Whether the time of an answer tells if an address is known: 200 known and 200 unknown ones in turn, over HTTP."""

from __future__ import annotations

import http.client
import itertools
import multiprocessing
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from sqlalchemy import update
from werkzeug.serving import WSGIRequestHandler, make_server

from bench.house import NOW, SLUG, house
from registration.domain import accounts, passwords, signup
from registration.domain.personal import Personal, address_hash
from registration.domain.programme import event_named
from registration.extensions import db, writing
from registration.models import Organizer, Registration
from registration.models.organizer import Role
from registration.models.registration import RegistrationState as State

PEOPLE = 200
BAR_MS, BAR_AUC = 5.0, (0.4, 0.6)
STATES = (State.CONFIRMED, State.DECLINED, State.CANCELLED, State.UNVERIFIED)
"""What the known are, in turn."""
HERE = "127.0.0.1"
SIGN_IN = "/organizer/sign-in/"
FIND = f"/events/{SLUG}/find/"
SIGN_UP = f"/events/{SLUG}/register/youth/"

Ask = Callable[[str], None]


class _Quiet(WSGIRequestHandler):
    """Writes no line for each request."""

    def log(self, *_words: Any) -> None:
        """Write nothing."""


def main() -> None:
    """Print the difference and how well one could guess, for each page that asks for an address."""
    with tempfile.TemporaryDirectory() as folder:
        app = house(Path(folder))
        with app.app_context():
            _make_people()
        with _served(app) as port:
            for name, ask in _pages(port).items():
                known, unknown = _times(ask)
                difference = 1000 * abs(statistics.median(known) - statistics.median(unknown))
                print(f"{name}: {1000 * statistics.median(unknown):.2f} ms for an unknown address")
                print(f"  difference of medians {difference:.3f} ms (below {BAR_MS:g})")
                print(f"  AUC {_auc(known, unknown):.2f} ({BAR_AUC[0]} to {BAR_AUC[1]})")


def _address(kind: str, number: int) -> str:
    return f"{kind}-{number:03}@example.org"


def _make_people() -> None:
    event = event_named(SLUG)
    youth = next(one for one in event.categories if one.slug == "youth")
    sessions = tuple(one.id for one in event.sessions)
    password_hash = passwords.hash_of("seven lanterns under water", _address("known", 0))
    with writing():
        for number in range(PEOPLE):
            personal = Personal(name="Amina", address=_address("known", number))
            form = signup.SignUp(personal, sessions, language="en", stream_language="floor", zone="Asia/Kathmandu")
            signup.sign_up(youth, form, now=NOW)
            _prove(personal.address, STATES[number % len(STATES)])
            accounts.add_organizer(personal.address, Role.VIEWER, event, now=NOW)
        db.session.execute(update(Organizer).values(password_hash=password_hash))


def _prove(address: str, state: State) -> None:
    if state is not State.UNVERIFIED:
        found = db.session.query(Registration).filter_by(address_hash=address_hash(address)).one()
        signup.prove(found, now=NOW).state = state


@contextmanager
def _served(app: Flask) -> Iterator[int]:
    """Serve the application in a process of its own; gives its port."""
    with app.app_context():
        db.engine.dispose()
    server = make_server(HERE, 0, app, threaded=True, request_handler=_Quiet)
    process = multiprocessing.get_context("fork").Process(target=server.serve_forever, daemon=True)
    process.start()
    try:
        yield server.port
    finally:
        process.terminate()
        process.join()
        server.server_close()


def _pages(port: int) -> dict[str, Ask]:
    """Return, by the page's name, what sends its form with an address."""
    numbers = itertools.count()

    def sign_up(address: str) -> None:
        values = {"name": f"Amina {next(numbers)}", "address": address, "sessions": ["human-rights", "civil-society"],
                  "stream_language": "floor", "zone": "Asia/Kathmandu", "consent": "y"}  # fmt: skip
        _post(port, SIGN_UP, values, 303)

    cookie, token = _sign_in_page(port)

    def sign_in(address: str) -> None:
        values = {"address": address, "password": "not the password", "csrf_token": token}
        _post(port, SIGN_IN, values, 422, {"Cookie": cookie})

    return {
        "sign-up": sign_up,
        "find": lambda address: _post(port, FIND, {"address": address}, 303),
        "sign-in": sign_in,
    }


def _sign_in_page(port: int) -> tuple[str, str]:
    line = http.client.HTTPConnection(HERE, port)
    line.request("GET", SIGN_IN)
    answer = line.getresponse()
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', answer.read().decode())
    assert found
    return answer.getheader("Set-Cookie", "").partition(";")[0], found[1]


def _post(
    port: int, path: str, values: Mapping[str, Any], status: int, headers: Mapping[str, str] | None = None
) -> None:
    line = http.client.HTTPConnection(HERE, port)
    body = urlencode(values, doseq=True)
    line.request("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})})
    answer = line.getresponse()
    answer.read()
    line.close()
    assert answer.status == status, (path, answer.status)


def _times(ask: Ask) -> tuple[list[float], list[float]]:
    """Return the seconds of the answers to known and to unknown addresses, asked in turn."""
    for number in range(20):
        ask(_address("first", number))
    seconds: dict[str, list[float]] = {"known": [], "unknown": []}
    for number in range(PEOPLE):
        for kind in sorted(seconds, reverse=bool(number % 2)):
            begun = time.perf_counter()
            ask(_address(kind, number))
            seconds[kind].append(time.perf_counter() - begun)
    return seconds["known"], seconds["unknown"]


def _auc(known: Sequence[float], unknown: Sequence[float]) -> float:
    """Return how often the answer to a known address takes longer than one to an unknown one: 0.5 tells nothing."""
    longer = sum((one > other) + (one == other) / 2 for one in known for other in unknown)
    return longer / (len(known) * len(unknown))


if __name__ == "__main__":
    main()
