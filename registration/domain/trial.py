"""Looking at what would follow, by doing it and undoing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from registration.extensions import db, writing


@contextmanager
def trial() -> Iterator[None]:
    """One unit of work of which nothing stays: it is rolled back at its end. Rows read in it are stale afterwards."""
    with writing():
        try:
            yield
        finally:
            db.session.rollback()
