"""Tables as files: CSV, XLSX and JSON, made part by part and safe to open in a spreadsheet.

A cell that begins like a formula is one to a spreadsheet, whoever typed it (OWASP, CSV Injection; ASVS 5.0, 1.2.10).
In CSV such a cell gets an apostrophe in front; in XLSX every cell is written as a string; in JSON nothing is evaluated.
"""

from __future__ import annotations

import csv
import enum
import io
import json
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import xlsxwriter  # type: ignore[import-untyped]

from registration.domain.private_folders import private_folder

Cell: TypeAlias = str | bool | datetime | list[str] | None
Chunks: TypeAlias = Iterable[list[list[Cell]]]
"""Some rows at a time, column by column."""

BOM = "\ufeff"
"""By which spreadsheets know a CSV file for UTF-8."""
SHEET_ROWS = 1_000_000
"""A sheet of XLSX holds 1,048,576; the next people stand on the next sheet."""
CELL_LENGTH = 32_767
"""What a cell of XLSX holds."""
PART_BYTES = 64 * 1024

_UNWRITABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_FORMULA_SIGNS = frozenset("=+-@−")
_LOOK_CLOSER = frozenset("=+-@ ＝＋－＠﹦﹢﹣﹫−")
"""Where no cell begins with one of these and all of it can be printed, it is safe: the quick check."""


class Format(enum.StrEnum):
    """The file formats of lists."""

    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"


MEDIA_TYPES = {
    Format.CSV: "text/csv",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.JSON: "application/json",
}


def csv_parts(header: Sequence[str], chunks: Chunks, *_of_workbooks: object) -> Iterator[bytes]:
    """Yield CSV: UTF-8 with BOM, CRLF, every field in quotes (RFC 4180), formulas defused."""
    yield (BOM + _csv_lines([header])).encode()
    for columns in chunks:
        yield _csv_lines(zip(*map(_csv_cells, columns), strict=True)).encode()


def json_parts(header: Sequence[str], chunks: Chunks, *_of_workbooks: object) -> Iterator[bytes]:
    """Yield JSON: an array of objects, one on each line."""
    before = b"[\n"
    for columns in chunks:
        for row in zip(*columns, strict=True):
            line = json.dumps(dict(zip(header, row, strict=True)), ensure_ascii=False, default=_json_value)
            yield before + line.encode()
            before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"


def xlsx_parts(header: Sequence[str], chunks: Chunks, made_at: datetime, folder: Path) -> Iterator[bytes]:
    """Yield XLSX, of which a spreadsheet can read nothing before its end: all of it is made before the first part.

    It is made in a file without a name. XlsxWriter puts the rows into named files first: those are in a private folder
    in `folder`, which is removed also where the client goes away, and after a kill by the next who makes one.
    """
    with private_folder(folder) as own, tempfile.TemporaryFile(dir=own) as file:
        _write_workbook(file, header, chunks, made_at, own)
        file.seek(0)
        while part := file.read(PART_BYTES):
            yield part


WRITERS: dict[Format, Callable[[Sequence[str], Chunks, datetime, Path], Iterator[bytes]]] = {
    Format.CSV: csv_parts,
    Format.XLSX: xlsx_parts,
    Format.JSON: json_parts,
}


def defused(text: str) -> str:
    """Return text that no spreadsheet takes for a formula, without control characters (but line breaks)."""
    text = without_controls(text)
    visible = "".join(one for one in text if unicodedata.category(one) != "Cf").lstrip()
    first = unicodedata.normalize("NFKC", visible[:1])
    return f"'{text}" if first in _FORMULA_SIGNS else text


def without_controls(text: str) -> str:
    """Return text without what some spreadsheet or parser cannot hold; line breaks stay."""
    return _UNWRITABLE.sub(" ", text)


def as_text(cell: Cell) -> str:
    """Return a cell in words that mean the same in every language."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, datetime):
        return _instant(cell)
    return "; ".join(cell)


def _csv_lines(rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows(rows)
    return buffer.getvalue()


def _csv_cells(cells: Sequence[Cell]) -> list[str]:
    """Most cells are harmless text: those pass by the quick check alone."""
    return [
        cell if type(cell) is str and cell.isprintable() and cell[:1] not in _LOOK_CLOSER else defused(as_text(cell))
        for cell in cells
    ]


def _write_workbook(file: Any, header: Sequence[str], chunks: Chunks, made_at: datetime, folder: Path) -> None:
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "tmpdir": str(folder),
    }
    with xlsxwriter.Workbook(file, options) as workbook:
        workbook.set_properties({"created": made_at.replace(tzinfo=None)})
        rows = (row for columns in chunks for row in zip(*columns, strict=True))
        sheet, number = None, SHEET_ROWS
        for row in rows:
            if number >= SHEET_ROWS:
                sheet, number = _new_sheet(workbook, header), 1
            _write_row(sheet, number, row)
            number += 1
        if sheet is None:
            _new_sheet(workbook, header)


def _new_sheet(workbook: Any, header: Sequence[str]) -> Any:
    sheet = workbook.add_worksheet()
    sheet.freeze_panes(1, 0)
    _write_row(sheet, 0, list(header))
    return sheet


def _write_row(sheet: Any, number: int, row: Sequence[Cell]) -> None:
    for place, cell in enumerate(row):
        sheet.write_string(number, place, without_controls(as_text(cell))[:CELL_LENGTH])


def _json_value(value: object) -> str:
    if isinstance(value, datetime):
        return _instant(value)
    raise TypeError(f"a list holds no {type(value).__name__}")


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
