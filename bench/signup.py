"""A complete sign-up POST against a bare Flask + SQLAlchemy insert-and-commit, on databases alike."""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bench.house import NOW, house
from registration import tray
from registration.databases import prepare_sqlite

ROUNDS, POSTS = 7, 100
BAR = 0.4


def main() -> None:
    """Print how many sign-ups a second there are for each bare insert."""
    with tempfile.TemporaryDirectory() as folder:
        app = house(Path(folder))
        ours, bare = poster(app), _bare(Path(folder))
        time_of(ours, 20), time_of(bare, 20)
        gc.collect()
        gc.freeze()  # as wsgi.py does
        pairs = [(time_of(ours, POSTS), time_of(bare, POSTS)) for _round in range(ROUNDS)]
        answered = _answers_per_second(app)
    seconds = [statistics.median(column) for column in zip(*pairs, strict=True)]
    ratio = statistics.median(bare_time / our_time for our_time, bare_time in pairs)
    print(f"sign-up POST: {1000 * seconds[0]:.2f} ms, bare insert-and-commit: {1000 * seconds[1]:.2f} ms")
    print(f"ratio {ratio:.2f} (at least {BAR})")
    print(f"the worker answers {answered:.0f} sign-ups a second")


def time_of(post: Callable[[], int], times: int) -> float:
    """Return the seconds of one POST, on the average."""
    begun = time.perf_counter()
    for _number in range(times):
        status = post()
        assert status in {204, 303}, status
    return (time.perf_counter() - begun) / times


def _answers_per_second(app: Flask) -> float:
    """Return how many of the sign-ups that wait now the worker answers in a second."""
    with app.app_context():
        begun = time.perf_counter()
        count = sum(iter(lambda: tray.empty(now=NOW), 0))
        return count / (time.perf_counter() - begun)


def poster(app: Flask) -> Callable[[], int]:
    """Return what signs up one more person at each call, and answers with the status."""
    return _poster(app, "/events/dialogue-next/register/civil-society/", _typed)


def _typed(number: int) -> dict[str, Any]:
    return {
        "name": f"Amina Example {number}",
        "address": f"amina-{number}@example.org",
        "question_organization": "Example Organization",
        "question_country": "NP",
        "question_ecosoc_status": "none",
        "sessions": ["human-rights", "civil-society"],
        "stream_language": "floor",
        "zone": "Asia/Kathmandu",
        "captions": "y",
        "consent": "y",
    }


def _bare(folder: Path) -> Callable[[], int]:
    class Base(DeclarativeBase):
        pass

    db = SQLAlchemy(model_class=Base)

    class Row(Base):
        __tablename__ = "row"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(String(200))
        address: Mapped[str] = mapped_column(String(254), unique=True)
        rest: Mapped[bytes] = mapped_column(LargeBinary)

    app = Flask("bare")
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{folder / 'bare.sqlite'}"
    db.init_app(app)

    @app.post("/")
    def insert() -> tuple[str, int]:
        form = request.form
        rest = "|".join(value for name, value in form.items(multi=True) if name not in {"name", "address"})
        db.session.add(Row(name=form["name"], address=form["address"], rest=rest.encode()))
        db.session.commit()
        return "", 204

    with app.app_context():
        prepare_sqlite(db.engine)
        db.create_all()
    return _poster(app, "/", _typed)


def _poster(app: Flask, path: str, typed: Callable[[int], dict[str, Any]]) -> Callable[[], int]:
    client = app.test_client()
    numbers = iter(range(10**9))
    return lambda: client.post(path, data=typed(next(numbers))).status_code


if __name__ == "__main__":
    main()
