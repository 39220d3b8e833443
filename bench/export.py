"""CSV export against a bare loop over the same sealed rows: database driver, AES-GCM, json, csv.writer.

`python -m bench.export [ROWS]` prints the ratio of their times (the bar: at most 1.5) and the peak of resident memory
(the bar: under 150 MB, and flat as rows grow).
"""

from __future__ import annotations

import csv
import json
import multiprocessing
import random
import resource
import secrets
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytz
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask
from sqlalchemy import insert, select

from config import SealKey
from registration.databases import prepare_sqlite
from registration.domain import accounts, exports
from registration.domain.personal import Personal, sealed
from registration.extensions import db, keyring, writing
from registration.keys import NONCE_BYTES, new_public_id
from registration.models import Category, Event, Registration
from registration.models.event import Entry, EventState
from registration.models.organizer import Role
from registration.models.registration import PROVED, RegistrationState

ROWS = 100_000
ROUNDS = 7
RATIO_BAR = 1.5
MEMORY_BAR_MB = 150
SEAL_KEY = SealKey("k1", bytes(range(32)))
START = datetime(2026, 3, 2, 15, 0, tzinfo=pytz.utc)
QUERY = """
    SELECT public_id, sealed, country, state FROM registration WHERE state <> 'unverified' AND event_id = 1 ORDER BY id
"""


def main(rows: int = ROWS) -> None:
    """Print the ratio and the peaks of memory."""
    with tempfile.TemporaryDirectory(prefix="plenary-bench-") as folder:
        database, small = Path(folder, "rows.sqlite"), Path(folder, "few.sqlite")
        in_own_process(make_rows, database, rows)
        in_own_process(make_rows, small, rows // 10)
        in_own_process(check_same_lines, database)
        ratio = in_own_process(measured_ratio, database)
        few, many = in_own_process(peak_memory, small), in_own_process(peak_memory, database)
    print(f"export of {rows:,} registrations as CSV: {ratio:.2f} of a bare loop (at most {RATIO_BAR})")
    print(f"peak of memory: {many:.0f} MB (under {MEMORY_BAR_MB}); for {rows // 10:,}: {few:.0f} MB")


def in_own_process(work: Callable[..., float | None], *arguments: object) -> float:
    """Return what `work` returns in a fresh process: its peak of memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments) or 0


def measured_ratio(database: Path) -> float:
    """Return the median of export time over bare time, measured in turn."""
    with application(database) as folder:
        ratios = []
        for _round in range(ROUNDS):
            bare = seconds(lambda: bare_loop(database, folder / "bare.csv"))
            ours = seconds(lambda: export_csv(folder / "ours.csv"))
            ratios.append(ours / bare)
            print(f"  export {ours:.3f} s, bare loop {bare:.3f} s", file=sys.stderr)
    return statistics.median(ratios)


def peak_memory(database: Path) -> float:
    """Return the most memory an export takes, in MB."""
    with application(database) as folder:
        export_csv(folder / "ours.csv")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def check_same_lines(database: Path) -> None:
    """Make sure that both write the same file."""
    with application(database) as folder:
        bare_loop(database, folder / "bare.csv")
        export_csv(folder / "ours.csv")
        assert (folder / "bare.csv").read_bytes() == (folder / "ours.csv").read_bytes()


def bare_loop(database: Path, output: Path) -> None:
    """Write the list by hand: no rights, no book, no masks, nothing defused."""
    cipher = AESGCM(SEAL_KEY.secret)
    prefix = len(SEAL_KEY.name) + 1
    connection = sqlite3.connect(database)
    with output.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(exports.DEFAULT_COLUMNS)
        for public_id, sealed, country, state in connection.execute(QUERY):
            nonce, text = sealed[prefix : prefix + NONCE_BYTES], sealed[prefix + NONCE_BYTES :]
            personal = json.loads(cipher.decrypt(nonce, text, f"registration/{public_id}".encode()))
            writer.writerow((personal["name"], personal["organization"], country, state))
    connection.close()


def export_csv(output: Path) -> None:
    """Write the list as people take it."""
    order = exports.Order(format=exports.Format.CSV, reason="To measure")
    with writing():
        event = db.session.execute(select(Event)).scalar_one()
        export = exports.write_down(event, accounts.organizer_with("owner@example.org"), order, now=START)
    with output.open("wb") as file:
        exports.write_to(file, export, output.parent)


def seconds(work: Callable[[], None]) -> float:
    """Return how long `work` takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


@contextmanager
def application(database: Path) -> Iterator[Path]:
    """Run in an application's context on this database; gives a folder for files."""
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{database}"
    db.init_app(app)
    keyring.init_app(app, "only-for-measuring-" * 2, (SEAL_KEY,))
    with app.app_context(), tempfile.TemporaryDirectory(dir=database.parent) as folder:
        prepare_sqlite(db.engine)
        yield Path(folder)


def make_rows(database: Path, count: int) -> None:
    """Make a database with one event, one owner and so many confirmed people."""
    with application(database):
        db.create_all()
        with writing():
            event = make_event()
            db.session.add(event)
            accounts.add_organizer("owner@example.org", Role.OWNER, None, now=START)
            category_ids = [one.id for one in event.categories]
            rng = random.Random(1)
            for first in range(0, count, 10_000):
                numbers = range(first, min(first + 10_000, count))
                db.session.execute(insert(Registration), [person(one, event.id, category_ids, rng) for one in numbers])


def make_event() -> Event:
    """Return an event with nine categories, the last two at risk."""
    texts = {name: {"en": "Dialogue"} for name in ("title", "summary", "audience", "place", "background")}
    lists = {name: [] for name in ("organizers", "contacts", "links", "outlook")}
    categories = [
        Category(slug=f"kind-{one}", position=one, label={"en": f"Kind {one}"}, description={}, entry=Entry.OPEN,
                 at_risk=one > 6)
        for one in range(9)
    ]  # fmt: skip
    return Event(
        slug="dialogue", state=EventState.PUBLISHED, zone="America/New_York", default_language="en", **texts, **lists,
        place_url="", hashtag="", press_release={}, organizer_address="dialogue@example.org", sender_name={},
        privacy_notice={}, retention_days=30, registration_opens=START, registration_closes=START,
        created_at=START, updated_at=START, categories=categories,
    )  # fmt: skip


def person(number: int, event_id: int, category_ids: list[int], rng: random.Random) -> dict[str, object]:
    """Return the row of one invented person."""
    public_id = new_public_id()
    personal = Personal(
        name=rng.choice(("Amina", "José", "Łukasz", "Nguyễn", "Olga", "张")) + f" Example {number}",
        address=f"person-{number}@crowd.invalid",
        organization=f"Institute {number % 500} of the Example Islands",
        answers={"mission": "Permanent Mission of the Example Islands", "position": "Counsellor"},
        captions=number % 7 == 0,
    )
    return {
        "public_id": public_id, "sealed": sealed(personal, public_id), "event_id": event_id,
        "category_id": category_ids[number % len(category_ids)], "address_hash": secrets.token_bytes(32),
        "claim": PROVED, "state": RegistrationState.CONFIRMED, "language": "en", "stream_language": "floor",
        "zone": "UTC", "country": rng.choice(("ES", "KE", "NP", "")), "created_at": START, "updated_at": START,
        "confirmed_at": START,
    }  # fmt: skip


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
