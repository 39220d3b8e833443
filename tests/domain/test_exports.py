"""Lists that leave the house: the book first, columns and masks, and files that are safe to open."""

from __future__ import annotations

import csv
import io
import json
import signal
import stat
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
from flask import Flask, current_app
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event as listening

from config import ROOT
from registration.domain import exports, tables
from registration.domain.attendees import Filters
from registration.domain.exports import Format, Order
from registration.domain.private_folders import private_folder
from registration.domain.programme import event_named
from registration.domain.tables import Cell, csv_parts, defused, json_parts, xlsx_parts
from registration.errors import Refusal
from registration.extensions import db, keyring, writing
from registration.models import Export, Organizer, Registration
from registration.models.organizer import Role
from registration.models.registration import RegistrationState as State
from tests.support.clock import START
from tests.support.dialogue import SLUG, load_dialogue
from tests.support.organizers import add_people, add_person, make_organizer

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
REASON = "To print badges"


@pytest.fixture
def owner(app: Flask, context: None) -> Organizer:
    load_dialogue(app)
    return make_organizer("owner@example.org", Role.OWNER)


def export(organizer: Organizer, now: datetime, **order: object) -> Export:
    with writing():
        wanted = Order(**{"format": Format.CSV, "reason": REASON, **order})  # type: ignore[arg-type]
        return exports.write_down(event_named(SLUG), organizer, wanted, now=now)


def taken(organizer: Organizer, now: datetime, **order: object) -> bytes:
    return b"".join(exports.stream(export(organizer, now, **order), here()))


def here() -> Path:
    return Path(current_app.instance_path)


def lines(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


# The book.


def test_the_book_is_written_and_committed_before_the_first_row(owner: Organizer, now: datetime) -> None:
    event = event_named(SLUG)
    entry = exports.write_down(event, owner, Order(format=Format.CSV, reason=REASON), now=now)
    with pytest.raises(LookupError, match="committed"):
        exports.stream(entry, here())


def test_the_book_holds_who_when_why_and_what(owner: Organizer, now: datetime) -> None:
    add_person("Amina")
    filters = Filters(state="confirmed", country="NP", search="Amina")
    export(owner, now, filters=filters, columns=("name", "category"), unmask=True)
    (entry,) = exports.book(event_named(SLUG))
    assert (entry.at, entry.by.id, entry.format, entry.columns, entry.unmasked, entry.reason, entry.search) == (
        now,
        owner.id,
        "csv",
        ["name", "category"],
        True,
        REASON,
        "Amina",
    )
    assert entry.filters == {"state": "confirmed", "country": "NP"}


def test_reason_and_search_are_sealed_and_can_be_blanked(owner: Organizer, now: datetime) -> None:
    row = export(owner, now, filters=Filters(search="Amina"))
    assert b"Amina" not in row.sealed
    assert b"badges" not in row.sealed
    with writing():
        exports.forget_words(event_named(SLUG))
    (entry,) = exports.book(event_named(SLUG))
    assert (entry.reason, entry.search, entry.columns) == ("", "", list(exports.DEFAULT_COLUMNS))


@SQLITE
@pytest.mark.parametrize("role", [Role.EDITOR, Role.REVIEWER, Role.VIEWER])
def test_who_may_not_export_gets_nothing(owner: Organizer, now: datetime, role: Role) -> None:
    with pytest.raises(Refusal, match="may not export"):
        export(make_organizer("other@example.org", role), now)
    assert exports.book(event_named(SLUG)) == []


@SQLITE
def test_only_an_owner_unmasks(owner: Organizer, now: datetime) -> None:
    with pytest.raises(Refusal, match="Only an owner"):
        export(make_organizer("other@example.org", Role.EXPORTER), now, unmask=True)


@SQLITE
@pytest.mark.parametrize("reason", ["", " \n ", "x" * 501, "ring\x07"])
def test_a_reason_is_needed(owner: Organizer, now: datetime, reason: str) -> None:
    with pytest.raises(Refusal) as refused:
        export(owner, now, reason=reason)
    assert refused.value.field == "reason"


@SQLITE
@pytest.mark.parametrize(
    "order",
    [
        {"columns": ("name", "password")},
        {"columns": ()},
        {"columns": ("answer.work",)},
        {"filters": Filters(state="everybody")},
        {"filters": Filters(category="human-rights")},
        {"filters": Filters(session="no-such")},
    ],
    ids=str,
)
def test_what_there_is_not_is_refused_and_not_written_down(
    owner: Organizer, now: datetime, order: dict[str, object]
) -> None:
    with pytest.raises(Refusal):
        export(owner, now, **order)
    assert exports.book(event_named(SLUG)) == []


@SQLITE
def test_five_lists_an_hour_are_enough(owner: Organizer, now: datetime) -> None:
    for _list in range(5):
        exports.refuse_too_many(owner, now=now)
        export(owner, now)
    with pytest.raises(Refusal, match="5 lists within an hour"):
        exports.refuse_too_many(owner, now=now + timedelta(minutes=59))
    exports.refuse_too_many(owner, now=now + timedelta(hours=1))


# Rows and columns.


def test_everybody_with_a_proved_address_is_listed_in_order(owner: Organizer, now: datetime) -> None:
    for state in State:
        add_person(f"Person {state}", state=state)
    names = [line[0] for line in lines(taken(owner, now))[1:]]
    assert names == [f"Person {state}" for state in State if state is not State.UNVERIFIED]


def test_every_column_of_one_person(owner: Organizer, now: datetime) -> None:
    add_person(
        "Amina",
        "civil-society",
        address="amina@example.org",
        organization="Example Aid",
        country="NP",
        sessions=("civil-society", "human-rights"),
        answers={"ecosoc_status": "none", "site": "https://example.org", "organization": "Example Aid"},
        captions=True,
        needs="Breaks\nand water",
        discreet=True,
    )
    header, row = lines(taken(owner, now, columns=(*COLUMNS, "answers")))
    assert dict(zip(header, row, strict=True)) == {
        **COLUMNS,
        "answer.site": "https://example.org",
        "answer.ecosoc_status": "none",
        "answer.fields": "",
        "answer.reason": "",
    }


COLUMNS = {
    "name": "Amina",
    "organization": "Example Aid",
    "country": "NP",
    "state": "confirmed",
    "category": "civil-society",
    "address": "amina@example.org",
    "sessions": "human-rights; civil-society",
    "language": "en",
    "stream_language": "floor",
    "zone": "Asia/Kathmandu",
    "captions": "yes",
    "sign": "no",
    "needs": "Breaks\nand water",
    "discreet": "yes",
    "signed_up_at": "2026-03-02T15:00:00Z",
    "confirmed_at": "2026-03-02T15:00:00Z",
    "reason": "",
}


def test_json_keeps_what_cells_are(owner: Organizer, now: datetime) -> None:
    add_person("Amina", sessions=("human-rights",), captions=True, confirmed_at=None)
    columns = ("sessions", "captions", "confirmed_at", "signed_up_at")
    assert json.loads(taken(owner, now, format=Format.JSON, columns=columns)) == [
        {
            "sessions": ["human-rights"],
            "captions": True,
            "confirmed_at": None,
            "signed_up_at": "2026-03-02T15:00:00Z",
        }
    ]


def test_masked_rows_hold_no_answers_even_to_questions_that_all_are_asked(owner: Organizer, now: datetime) -> None:
    add_person("Amina", "victims-survivors", answers={"site": "https://victims.example.org"})
    add_person("Bo", "women-led", answers={"site": "https://example.org"})
    columns = ("category", "answer.site")
    assert lines(taken(owner, now, columns=columns))[1:] == [
        ["participant", ""],
        ["women-led", "https://example.org"],
    ]
    assert lines(taken(owner, now, columns=columns, unmask=True))[1:] == [
        ["victims-survivors", "https://victims.example.org"],
        ["women-led", "https://example.org"],
    ]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> int:
    """How many rows are read at once in this test."""
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 5)
    return exports.ROWS_AT_ONCE


@pytest.mark.parametrize("more", [-5, -1, 0, 1, 6])
@pytest.mark.parametrize("format_name", Format)
def test_all_rows_leave_however_they_come_in_chunks(
    owner: Organizer, now: datetime, small_chunks: int, more: int, format_name: Format
) -> None:
    add_people(small_chunks + more)
    file = io.BytesIO()
    assert exports.write_to(file, export(owner, now, format=format_name), here()) == small_chunks + more
    assert file.getvalue().count(b"Person") == (0 if format_name is Format.XLSX else small_chunks + more)


@pytest.mark.usefixtures("small_chunks")
def test_people_of_another_event_are_not_in_it(owner: Organizer, now: datetime) -> None:
    add_people(12)
    with writing():
        other = event_named(SLUG)
        columns = {one.key: getattr(other, one.key) for one in type(other).__table__.columns}
        db.session.add(type(other)(**{**columns, "id": 99, "slug": "another"}))
        db.session.flush()
        for person in db.session.query(Registration).order_by(Registration.id).limit(10).offset(1):
            person.event_id = 99
    assert [line[0] for line in lines(taken(owner, now))[1:]] == ["Person 000", "Person 011"]


def test_a_value_sealed_before_a_field_was_there_has_it_empty(owner: Organizer, now: datetime) -> None:
    public_id = add_person("Amina")
    with writing():
        row = db.session.query(Registration).one()
        old = {"name": "Amina", "address": "amina@example.org", "organization": "Example Aid"}
        row.sealed = keyring.keys.seal(old, f"registration/{public_id}")
    assert lines(taken(owner, now, columns=("name", "organization", "needs", "captions")))[1:] == [
        ["Amina", "Example Aid", "", "no"]
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_chunk_is_read_by_the_ids_alone_and_no_transaction_stays_open(owner: Organizer, now: datetime) -> None:
    add_people(3)
    entry = export(owner, now, filters=Filters(state="confirmed"))
    plans: list[str] = []

    def note(connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        if "sealed" in statement and "LIMIT" in statement:
            cursor = connection.connection.cursor()  # type: ignore[attr-defined]
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[3] for row in cursor.fetchall())

    parts = exports.stream(entry, here())
    listening.listen(db.engine, "before_cursor_execute", note)
    next(parts), next(parts)
    listening.remove(db.engine, "before_cursor_execute", note)
    assert plans == ["SEARCH registration USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"]
    assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


# Files.


def table(*rows: list[Cell]) -> list[list[list[Cell]]]:
    """The rows as one chunk, column by column."""
    return [[list(column) for column in zip(*rows, strict=True)]] if rows else []


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("Amina", "Amina"),
        ("", ""),
        ('Ng - O’Neil, "Jo"', 'Ng - O’Neil, "Jo"'),
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1+1", "'  =1+1"),
        ("\t=1+1", "' =1+1"),
        ("\r\n=1+1", "' \n=1+1"),
        ("\x00=1+1", "' =1+1"),
        ("＝1+1", "'＝1+1"),
        ("＋1", "'＋1"),
        ("－1", "'－1"),
        ("＠x", "'＠x"),
        ("−1", "'−1"),
        ("\u200b=1+1", "'\u200b=1+1"),
        ("\ufeff=1+1", "'\ufeff=1+1"),
        ("\u00a0=1+1", "'\u00a0=1+1"),
        ("bell\x07 and \ud800", "bell  and  "),
        ("two\nlines", "two\nlines"),
    ],
)
def test_csv_cells_are_text_to_every_spreadsheet(typed: str, written: str) -> None:
    content = b"".join(csv_parts(["a"], table([typed]), START))
    assert lines(content)[1:] == [[written]]


def test_csv_has_a_bom_crlf_and_quotes_everywhere() -> None:
    content = b"".join(csv_parts(["name", "b"], table(["Zoë", 'the "x"'], ["", True]), START))
    assert content == b'\xef\xbb\xbf"name","b"\r\n"Zo\xc3\xab","the ""x"""\r\n"","yes"\r\n'


def test_xlsx_cells_are_strings_whatever_they_hold(tmp_path: Path) -> None:
    typed = ["=1+1", "https://example.org", "{=SUM(A1)}", "12", "bell\x07", "two\nlines", "\ufffe", "x" * 40_000]
    content = b"".join(xlsx_parts([str(n) for n in range(8)], table(list(typed)), START, tmp_path))
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    _header, row = sheet.iter_rows()
    assert [cell.value for cell in row] == [*typed[:4], "bell ", "two\nlines", " ", "x" * 32_767]
    assert {cell.data_type for cell in row} <= {"s", "inlineStr"}
    assert [cell.hyperlink for cell in row] == [None] * 8


def test_xlsx_goes_on_on_a_second_sheet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tables, "SHEET_ROWS", 3)
    content = b"".join(xlsx_parts(["n"], table(["a"], ["b"], ["c"], ["d"], ["e"]), START, tmp_path))
    sheets = openpyxl.load_workbook(io.BytesIO(content)).worksheets
    assert [[row[0] for row in sheet.values] for sheet in sheets] == [["n", "a", "b"], ["n", "c", "d"], ["n", "e"]]


def test_xlsx_is_made_in_a_folder_that_nobody_else_may_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    public, parent = tmp_path / "public", tmp_path / "instance"
    public.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(public))
    seen: list[tuple[int, int]] = []

    def chunks() -> Iterator[list[list[Cell]]]:
        yield from table(["Amina"])
        (folder,) = parent.iterdir()
        seen.append((stat.S_IMODE(folder.stat().st_mode), len(list(public.iterdir()))))

    b"".join(xlsx_parts(["name"], chunks(), START, parent))
    assert seen == [(0o700, 0)]
    assert list(parent.iterdir()) == []


def test_xlsx_leaves_nothing_where_the_client_goes_away(tmp_path: Path) -> None:
    parts = xlsx_parts(["name"], table(["Amina"]), START, tmp_path)
    next(parts)
    parts.close()  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, pathlib, signal, sys
from registration.domain.private_folders import private_folder
with private_folder(pathlib.Path(sys.argv[1])) as folder:
    (folder / "rows").write_text("Amina")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_goes_with_the_next_xlsx_and_what_is_in_use_stays(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    (tmp_path / "plenary.sqlite").touch()
    with private_folder(tmp_path) as in_use:
        b"".join(xlsx_parts(["name"], table(["Amina"]), START, tmp_path))
        assert {one.name for one in tmp_path.iterdir()} == {in_use.name, "plenary.sqlite"}
        assert left != in_use


@pytest.mark.parametrize("make", [csv_parts, xlsx_parts, json_parts])
def test_a_list_of_nobody_is_a_whole_file(make: object, tmp_path: Path) -> None:
    content = b"".join(make(["name"], [], START, tmp_path))  # type: ignore[operator]
    if make is json_parts:
        assert json.loads(content) == []
    elif make is csv_parts:
        assert lines(content) == [["name"]]
    else:
        assert list(openpyxl.load_workbook(io.BytesIO(content)).active.values) == [("name",)]


ANY_TEXT = st.text(st.characters() | st.sampled_from("=+-@＝＋－＠\t\r\n\x00 ,;\"'\ud800\u200b"), max_size=12)


@given(ANY_TEXT)
def test_no_cell_of_csv_begins_like_a_formula(typed: str) -> None:
    ((cell,),) = lines(b"".join(csv_parts(["a"], table([typed]), START)))[1:]
    seen = "".join(one for one in cell if unicodedata.category(one) not in ("Cf", "Cc", "Zs", "Zl", "Zp"))
    assert unicodedata.normalize("NFKC", seen[:1]) not in {"=", "+", "-", "@"}
    assert not any(unicodedata.category(one) in ("Cc", "Cs") for one in cell.replace("\n", ""))


@given(ANY_TEXT)
def test_the_quick_check_lets_nothing_through_that_the_slow_one_changes(typed: str) -> None:
    assert lines(b"".join(csv_parts(["a"], table([typed]), START)))[1:] == [[defused(typed)]]


@given(st.lists(st.lists(st.text(max_size=12), min_size=2, max_size=2), max_size=4))
def test_json_reads_back_as_it_was(rows: list[list[Cell]]) -> None:
    content = b"".join(json_parts(["a", "b"], table(*rows), START))
    assert [[one["a"], one["b"]] for one in json.loads(content)] == rows
