"""The file of erased ids: whole lines alone count, and nobody's line is lost."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from registration.domain import erased_ids
from registration.keys import new_public_id

ONE, TWO, THREE = "A" * 22, "B" * 22, "C_-" + "C" * 19


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "erased.txt"


def test_where_there_is_no_file_nobody_was_erased(path: Path) -> None:
    assert erased_ids.read(path) == set()


def test_ids_stand_one_a_line_each_once_in_a_file_for_this_account_alone(path: Path) -> None:
    erased_ids.note(path, [TWO, ONE])
    erased_ids.note(path, [THREE, ONE])
    assert path.read_text() == f"{ONE}\n{TWO}\n{THREE}\n"
    assert erased_ids.read(path) == {ONE, TWO, THREE}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("cut", range(1, 23))
def test_a_torn_last_line_is_no_id_and_harms_no_later_one(path: Path, cut: int) -> None:
    erased_ids.note(path, [ONE, TWO])
    path.write_bytes(path.read_bytes()[:-cut])
    assert erased_ids.read(path) == ({ONE, TWO} if cut == 1 else {ONE})
    erased_ids.note(path, [THREE])
    assert erased_ids.read(path) - {TWO} == {ONE, THREE}


def test_what_is_no_id_is_passed_over(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"\0" * 40 + b"\n\xff\xfe\n" + ONE.encode() + b"\n" + b"D" * 23 + b"\n\r\n")
    assert erased_ids.read(path) == {ONE}


def test_many_who_write_at_once_lose_no_id(path: Path) -> None:
    ids = [[new_public_id() for _number in range(5)] for _writer in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda mine: erased_ids.note(path, mine), ids))
    assert sorted(path.read_text().split()) == sorted(one for mine in ids for one in mine)
