"""`make mutate`: take each guard away in a copy of the tree, and see whether a test notices.

The guards of the desk's pages are taken away all at once: each has rows of its own in the access matrix, so each has to
make its own rows fail. All others are taken away one by one. Exit code 1 where something survives.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

from tests.guards.finding import Mutant, mutants

ROOT = Path(__file__).parents[2]
MATRIX = "tests/web/test_access_matrix.py"
WAYS = "tests/web/test_ways_at_the_desk.py"
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "instance", "node_modules", "__pycache__", ".*_cache")
FAILED = re.compile(r"^FAILED \S+\[(\S+) ", re.MULTILINE)
NEAR = {
    "access": ["tests/web/test_organizer_sign_in.py", "tests/domain/test_access.py"],
    "accounts": ["tests/web/test_organizer_sign_in.py"],
    "assets": ["tests/web/test_public_page.py"],
    "columns": ["tests/domain/test_exports.py", "tests/web/test_organizer_exports.py"],
    "events": ["tests/web/test_organizer_events.py"],
    "exports": ["tests/domain/test_exports.py", "tests/web/test_organizer_exports.py"],
    "figures": ["tests/web/test_organizer_events.py"],
    "masks": ["tests/web/test_announcement_desk.py", "tests/web/test_organizer_reminders.py"],
    "participant": ["tests/web/test_own_page.py"],
    "selection": ["tests/web/test_organizer_attendees.py", "tests/web/test_organizer_exports.py"],
    "sign_in": ["tests/web/test_organizer_sign_in.py"],
    "words": ["tests/web/test_organizer_alarm.py"],
}
"""Tests of a module that are not called like it."""
PASSED, SOME_FAILED = 0, 1
"""What pytest exits with; anything else is no answer."""
REDUNDANT: dict[str, str] = {}
"""Guards behind another that holds by itself: what survives, and why that is right."""


def main() -> int:
    """Try all, say what survives, and answer with the exit code."""
    options = _options()
    started = time.monotonic()
    found = [one for one in mutants(ROOT) if options.only in one.name]
    views = [one for one in found if one.view]
    survivors = [one for batch in _batches(views) for one in _surviving_views(batch)]
    copies: Queue[Path] = Queue()
    with tempfile.TemporaryDirectory(prefix="plenary-guards-") as folder, ThreadPoolExecutor(options.jobs) as pool:
        for number in range(options.jobs):
            copies.put(_copy(Path(folder) / str(number)))
        rest = [one for one in found if not one.view]
        for one, survives in zip(rest, pool.map(lambda one: _survives(one, copies), rest), strict=True):
            survivors += [one] if survives else []
    right = [one for one in survivors if _reason(one)]
    wrong = [one for one in survivors if not _reason(one)]
    for one in right:
        print(f"redundant  {one.name}: {_reason(one)}")
    for one in wrong:
        print(f"SURVIVES   {one.name}")
    seconds = time.monotonic() - started
    killed = len(found) - len(survivors)
    print(
        f"{len(found)} guards taken away: {killed} noticed, {len(right)} redundant, {len(wrong)} not ({seconds:.0f} s)"
    )
    return 1 if wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.guards", description=__doc__)
    parser.add_argument("--only", default="", help="guards with this in their file or description")
    parser.add_argument("--jobs", type=int, default=2, help="how many to try at a time")
    return parser.parse_args()


def _reason(mutant: Mutant) -> str:
    return REDUNDANT.get(f"{mutant.path} {mutant.what}", "")


def _batches(views: Sequence[Mutant]) -> list[list[Mutant]]:
    """Return the mutants of views in batches, in each of which no view stands twice."""
    batches: list[list[Mutant]] = []
    for one in views:
        free = [batch for batch in batches if one.view not in {other.view for other in batch}]
        if free:
            free[0].append(one)
        else:
            batches.append([one])
    return batches


def _surviving_views(batch: Sequence[Mutant]) -> list[Mutant]:
    """Take the guards of different views away together, and return those whose rows say nothing."""
    with tempfile.TemporaryDirectory(prefix="plenary-guards-") as folder:
        copy = _copy(Path(folder) / "all")
        for one in sorted(batch, key=lambda one: -one.start):
            one.write(copy)
        run = _pytest(copy, MATRIX, "-k", "lets_through and organizer")
    noticed = set(FAILED.findall(run.stdout))
    print(f"{len(batch)} views at once: {len(noticed)} noticed", flush=True)
    return [one for one in batch if one.view not in noticed]


def _survives(mutant: Mutant, copies: Queue[Path]) -> bool:
    """Whether no test notices that one guard is gone."""
    copy = copies.get()
    whole = (copy / mutant.path).read_bytes()
    started = time.monotonic()
    try:
        mutant.write(copy)
        run = _pytest(copy, *_tests_of(mutant), "-x", "-k", "not postgresql")
    finally:
        (copy / mutant.path).write_bytes(whole)
        copies.put(copy)
    word = "SURVIVES" if run.returncode == PASSED else "noticed"
    print(f"{word:9} {time.monotonic() - started:4.0f} s  {mutant.name}", flush=True)
    return run.returncode == PASSED


def _tests_of(mutant: Mutant) -> list[str]:
    """Return the tests to ask: those called like the module, those near it, and the matrix with the ways at last."""
    stem = Path(mutant.path).stem
    if mutant.path.startswith("templates/"):
        return [WAYS]
    word = stem.partition("_")[0].rstrip("s")
    named = [path for path in sorted((ROOT / "tests").rglob("test_*.py")) if len(word) > 3 and word in path.stem]
    near = [str(path.relative_to(ROOT)) for path in named if path.parent.name in ("web", "domain")]
    return list(dict.fromkeys([*NEAR.get(stem, []), *near, WAYS, MATRIX]))


def _copy(place: Path) -> Path:
    shutil.copytree(ROOT, place, ignore=LEFT_OUT)
    return place


def _pytest(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-rfE", "--tb=no", *arguments]
    run = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    if run.returncode not in (PASSED, SOME_FAILED):
        raise RuntimeError(f"the tests cannot run:\n{run.stdout[-3000:]}{run.stderr[-3000:]}")
    return run


if __name__ == "__main__":
    sys.exit(main())
