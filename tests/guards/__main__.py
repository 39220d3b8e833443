"""`make mutate`: take each guard away in a copy of the tree, and see whether a test notices.

The guards of the desk's pages are taken away all at once: each has rows of its own in the access matrix, so each has to
make its own rows fail. Limits and exemptions are tried one by one. All others are written into one copy behind
switches: each test runs once as it is, and again without each guard that it has reached and nothing has noticed yet;
first some of the matrix and the ways, then, for what is left, the tests of its module, then all of the matrix. There
are as many processes as cores. Exit code 1 where something survives.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from tests.guards.finding import Mutant, mutants, write_switches
from tests.guards.known import NEAR, REDUNDANT

ROOT = Path(__file__).parents[2]
MATRIX = "tests/web/test_access_matrix.py"
WAYS = "tests/web/test_ways_at_the_desk.py"
LIMITS = "tests/web/test_limited_forms.py"
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "instance", "node_modules", "__pycache__", ".*_cache")
FAILED_TEST = re.compile(r"^FAILED \S+::(\S+)", re.MULTILINE)
FAILED_VIEW = re.compile(r"^FAILED \S+\[(\S+) ", re.MULTILINE)
WHERE = "not postgresql or needs_postgresql"
"""SQLite shows nearly all of it, and sooner."""
EACH = 1000
"""Of one test function: all there are."""
CORES = min(os.cpu_count() or 1, 4)
LONGEST_RUN = 3600
"""Seconds for a run of tests; what does not end by then is a fault of the run."""
PASSED, SOME_FAILED, STOPPED = 0, 1, 2
"""What pytest exits with; anything else is no answer."""


def main() -> int:
    """Try all, say what survives, and answer with the exit code."""
    options = _options()
    started = time.monotonic()
    found = [one for one in mutants(ROOT) if options.only in one.name]
    alone = [one for one in found if one.alone]
    with ThreadPoolExecutor(CORES) as pool:
        views = pool.map(_surviving_views, _batches([one for one in found if one.view]))
        survivors = [one for batch in views for one in batch]
        survivors += [one for one, survives in zip(alone, pool.map(_survives, alone), strict=True) if survives]
        survivors += _surviving_switches([one for one in found if not one.view and not one.alone], pool)
    wrong = [one for one in survivors if not _reason(one)]
    for one in survivors:
        print(f"redundant  {one.name}: {_reason(one)}" if _reason(one) else f"SURVIVES   {one.name}")
    counts = f"{len(found) - len(survivors)} noticed, {len(survivors) - len(wrong)} redundant, {len(wrong)} survive"
    print(f"{len(found)} guards taken away: {counts} ({time.monotonic() - started:.0f} s)")
    return 1 if wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.guards", description=__doc__)
    parser.add_argument("--only", default="", help="guards with this in their file or description")
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
    with _copy() as copy:
        for one in sorted(batch, key=lambda one: -one.start):
            one.write(copy)
        run = _pytest(copy, MATRIX, "-k", "lets_through and organizer")
    noticed = set(FAILED_VIEW.findall(run.stdout))
    print(f"{len(batch)} views at once: {len(noticed)} noticed", flush=True)
    return [one for one in batch if one.view not in noticed]


def _survives(mutant: Mutant) -> bool:
    """Whether no test notices that one guard is gone."""
    with _copy() as copy:
        mutant.write(copy)
        tests = [LIMITS, *_tests_of(mutant), MATRIX, "-x", "-k", WHERE]
        run = _pytest(copy, *tests)
        if run.returncode != PASSED:
            run = _pytest(copy, *tests, "--last-failed")
    failed = FAILED_TEST.search(run.stdout)
    if run.returncode != PASSED and not failed:
        raise RuntimeError(f"no test fails, and yet:\n{run.stdout[-3000:]}{run.stderr[-3000:]}")
    print(f"noticed   {mutant.name}  {failed[1]}" if failed else f"SURVIVES  {mutant.name}", flush=True)
    return failed is None


def _surviving_switches(found: Sequence[Mutant], pool: ThreadPoolExecutor) -> list[Mutant]:
    """Return which of these no test notices."""
    left = dict(enumerate(found))
    with _copy() as copy:
        write_switches(copy, found)
        for shares, tries in ((_dealt, 2), (_by_tests, EACH), (_dealt, EACH)):
            runs = [pool.submit(_tried, copy, tests, numbers, tries) for tests, numbers in shares(left)]
            try:
                for run in as_completed(runs):
                    for number, test in run.result().items():
                        print(f"noticed   {left.pop(number).name}  {test.rpartition('::')[2]}", flush=True)
            except (RuntimeError, subprocess.TimeoutExpired):
                pool.shutdown(cancel_futures=True)  # Before the copy goes.
                raise
    return list(left.values())


def _dealt(left: dict[int, Mutant]) -> list[tuple[list[str], list[int]]]:
    """Return the matrix and the ways for an equal share of these guards on each core."""
    shares = [list(left)[core::CORES] for core in range(CORES)]
    return [([MATRIX, WAYS], numbers) for numbers in shares if numbers]


def _by_tests(left: dict[int, Mutant]) -> list[tuple[list[str], list[int]]]:
    """Return the tests of modules, each with the guards whose tests they are."""
    shares: dict[tuple[str, ...], list[int]] = {}
    for number, one in left.items():
        shares.setdefault(tuple(_tests_of(one)), []).append(number)
    return [(list(tests), numbers) for tests, numbers in shares.items() if tests]


def _tried(copy: Path, tests: Sequence[str], numbers: Sequence[int], tries: int) -> dict[int, str]:
    """Return which of these guards a test notices, and which test; each is tried so often for one test function."""
    report = copy / f"guards-{numbers[0]}.json"
    report.unlink(missing_ok=True)
    environment = {
        "PLENARY_GUARDS": json.dumps(numbers),
        "PLENARY_GUARDS_TRIES": str(tries),
        "PLENARY_GUARDS_REPORT": str(report),
    }
    run = _pytest(copy, *tests, "-p", "tests.guards.trying", "-k", WHERE, **environment)
    if not report.exists():
        raise RuntimeError(f"no test ran:\n{run.stdout[-3000:]}{run.stderr[-3000:]}")
    told = json.loads(report.read_text())
    if told["failing"]:
        raise RuntimeError(f"these fail with every guard in place: {told['failing']}")
    return {int(number): test for number, test in told["noticed"].items()}


def _tests_of(mutant: Mutant) -> list[str]:
    """Return the tests of a module: those named above, or those called like it."""
    stem = Path(mutant.path).stem
    word = stem.partition("_")[0].removesuffix("s")
    called = [path for path in sorted((ROOT / "tests").rglob("test_*.py")) if len(word) > 3 and word in path.stem]
    return NEAR.get(stem) or [str(path.relative_to(ROOT)) for path in called if path.parent.name in ("web", "domain")]


@contextmanager
def _copy() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="plenary-guards-") as folder:
        yield Path(shutil.copytree(ROOT, Path(folder) / "tree", ignore=LEFT_OUT))


def _pytest(copy: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-rfE", "--tb=no", *arguments]
    run = subprocess.run(
        command,
        cwd=copy,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_RUN,
    )
    if run.returncode not in (PASSED, SOME_FAILED, STOPPED):
        raise RuntimeError(f"the tests cannot run:\n{run.stdout[-3000:]}{run.stderr[-3000:]}")
    return run


if __name__ == "__main__":
    sys.exit(main())
