"""Watches the whole run: whatever personal a test seals, or looks up by its hash, may stand nowhere in clear.

At the end of each test its database's files, its instance folder and all that was logged are searched for every such
value; at the end of the run the log of the PostgreSQL server is.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import CompoundSelect, cast, literal_column, select, union_all
from sqlalchemy.types import Text

from config import ROOT, Settings
from registration.extensions import Base, db
from registration.keys import Keys
from registration.models.delivery import DeliveryKind, DeliveryState
from registration.models.registration import RegistrationState
from tests.support.event_files import SAMPLE_PATH

SHORTEST = 5
"""Different characters: words of fewer stand in any file."""
LONGEST = 60
MOST = 60
"""Values that one test is searched for; of a crowd these are enough."""
OPEN = frozenset({"category", "country", "language", "stream_language", "what", "zone"})
"""What a form says that stands in the open beside the sealed part, for counting and filtering."""
OUR_WORDS = frozenset({*RegistrationState, *DeliveryState, *DeliveryKind, *(
    column.name for table in Base.metadata.tables.values() for column in table.columns
)})  # fmt: skip
"""What some tests call people by, too: states, and names of columns, which stand in every database."""
PUBLIC_TABLES = {
    "category", "event", "event_session", "programme_item", "question", "reminder_rule", "session_revision", "speaker",
    "stream",
}  # fmt: skip
PAGE = 4096


class Watcher(logging.Handler):
    """Keeps the values and the log of the running test, and all values of the run."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))
        self.values: set[str] = set()
        self.ever: set[str] = set()
        self._log: list[str] = []

    def start(self) -> None:
        """Watch from now on, all applications of this process."""
        Keys.seal = _also(Keys.seal, self.note)  # type: ignore[method-assign]
        Keys.address_hash = _also(Keys.address_hash, self.note)  # type: ignore[method-assign]
        logging.getLogger().addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what is logged, with its traceback; what the mail server of the tests says is no log of ours."""
        if record.name != "mail.log":
            self._log.append(self.format(record))

    def note(self, value: Any) -> None:
        """Note the words in a value that JSON can hold."""
        for word in _words(value):
            if len(self.values) < MOST and len(set(word)) >= SHORTEST and not _is_public(word):
                self.values.add(word[:LONGEST])

    def forget(self) -> None:
        """Begin anew, for the next test."""
        self.ever |= self.values
        self.values.clear()
        self._log.clear()

    def hits(self, settings: Settings, app: Flask | None = None) -> list[str]:
        """Say which value stands where: "Amina in plenary.sqlite-wal"; with `app`, in PostgreSQL's tables too.
        Connections have to be open still: with the last one SQLite removes its log."""
        if not self.values:
            return []
        places = {"the log": "\n".join(self._log).encode(errors="replace"), **_files(settings)}
        if app and settings.database_url.startswith("postgresql"):
            places["a table"] = _tables(app)
        hits = {(value, place) for place, octets in places.items() for value in found(self.values, octets)}
        public = _programmes(app) if app and hits else ""
        told = {value for value in self.values if any(one.lower() in public for one in (value, repr(value)[1:-1]))}
        return sorted(f"{value} in {place}" for value, place in hits if value not in told)


def found(values: set[str], octets: bytes) -> list[str]:
    """Return which values stand in these octets: in upper or lower case, as JSON, in hex, or in base64."""
    lower = octets.lower()
    return [value for value in values if any(form in lower for form in forms(value)[0])
            or any(form in octets for form in forms(value)[1])]  # fmt: skip


@cache
def forms(value: str) -> tuple[list[bytes], list[bytes]]:
    """Return how a value may stand in a file: in any case (written in lower case here), and in just this one."""
    octets = value.encode(errors="surrogatepass")
    cases = (value, value.lower(), value.upper())
    any_case = {one.encode(errors="surrogatepass").lower() for one in cases}
    any_case |= {octets.hex().encode(), json.dumps(value)[1:-1].lower().encode()}
    return sorted(any_case), [_inner_base64(octets, shift) for shift in range(3)]


def _inner_base64(octets: bytes, shift: int) -> bytes:
    """What is sure to stand in the base64 of anything that holds these octets, `shift` octets after a third."""
    whole = base64.b64encode(bytes(shift) + octets)
    return whole[(0, 2, 3)[shift] : len(whole) - (0, 3, 2)[(len(octets) + shift) % 3]]


def _files(settings: Settings) -> dict[str, bytes]:
    """The database's files, where it has some here, and those in the instance folder but for the development mail."""
    instance, mail = settings.instance_path, settings.instance_path / "mail"
    paths = [path for path in instance.rglob("*") if path.is_file() and not path.is_relative_to(mail)]
    if settings.database_url.startswith("sqlite"):
        database = Path(settings.database_url.removeprefix("sqlite:///").partition("?")[0])
        paths += database.parent.glob(f"{database.name}*")
    return {path.name: path.read_bytes() for path in paths}


def _tables(app: Flask) -> bytes:
    """All rows that are not the public programme, as PostgreSQL writes them in text."""
    with app.app_context(), db.engine.connect() as connection:
        return "\n".join(connection.execute(_rows()).scalars()).encode()


def _programmes(app: Flask) -> str:
    """What stands in the programmes of this database, for all to read, in lower case."""
    tables = [table for table in Base.metadata.sorted_tables if table.name in PUBLIC_TABLES]
    with app.app_context(), db.engine.connect() as connection:
        return "\n".join(str(row) for table in tables for row in connection.execute(select(table))).lower()


@cache
def _rows() -> CompoundSelect[tuple[str]]:
    tables = [table for table in Base.metadata.sorted_tables if table.name not in PUBLIC_TABLES]
    return union_all(*(select(cast(literal_column(f"{one.name}.*"), Text)).select_from(one) for one in tables))


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name not in OPEN:
                yield from _words(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _words(inner)


def _is_public(word: str) -> bool:
    return word in OUR_WORDS or word.lower() in _public_words()


@cache
def _public_words() -> str:
    """What stands in the events of the tests: choices of a question are answers too."""
    return "\n".join(path.read_text().lower() for path in (SAMPLE_PATH, ROOT / "examples" / "dialogue-2021.yaml"))


def _also(function: Callable[..., Any], note: Callable[[Any], None]) -> Callable[..., Any]:
    def noting(keys: Keys, value: Any, *arguments: Any) -> Any:
        note(value)
        return function(keys, value, *arguments)

    return noting


watcher = Watcher()
"""The one of this run."""
