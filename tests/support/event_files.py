"""Event files: the sample, a small one that uses every name of the format, and taking them in."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytz
from sqlalchemy import select

from config import ROOT
from registration.domain.event_file import EventFileFaults, Outcome, import_event
from registration.extensions import db, writing
from registration.models import Event

SAMPLE_PATH = ROOT / "examples" / "dialogue-2021.yaml"
SAMPLE = SAMPLE_PATH.read_text(encoding="utf-8")
SMALL = Path(__file__).with_name("small-event.yaml").read_text(encoding="utf-8")
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=pytz.utc)
LATER = NOW + timedelta(days=9)


def take_in(content: str | bytes, now: datetime = NOW, **options: Any) -> Outcome:
    """Import a file in a unit of work of its own and return what became of it."""
    with writing():
        return import_event(content, now=now, **options).outcome


def faults_of(content: str | bytes, **options: Any) -> list[str]:
    """Import a file that cannot be taken and return its faults as people read them."""
    with pytest.raises(EventFileFaults) as caught:
        take_in(content, **options)
    return str(caught.value).split("\n")


def edited(old: str, new: str) -> str:
    """The small file with `new` in the place of `old`, which stands in it once."""
    assert SMALL.count(old) == 1, old
    return SMALL.replace(old, new)


def line_of(part: str, text: str = SMALL) -> int:
    """The line on which `part` first stands in a file."""
    return text[: text.index(part)].count("\n") + 1


def event(slug: str = "small") -> Event:
    """The event of that slug."""
    return db.session.execute(select(Event).where(Event.slug == slug)).scalar_one()


def at(*parts: int) -> datetime:
    """An instant by its UTC time."""
    return pytz.utc.localize(wall(*parts))


def wall(*parts: int) -> datetime:
    """A wall time, which has no zone."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001
