"""`make mutate`: take each guard away in a copy of the tree, and see whether a test notices.

The guards of the desk's pages are taken away all at once: each has rows of its own in the access matrix, so each has to
make its own rows fail. Limits and exemptions are tried one by one. All others are written into one copy behind
switches: each test runs once as it is, and again without each guard that it has reached and nothing has noticed yet;
first some of the matrix and the ways, then, for what is left, the tests of its module, then all of the matrix. Exit
code 1 where something survives.
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
from contextlib import contextmanager
from pathlib import Path

from tests.guards.finding import Mutant, mutants, write_switches

ROOT = Path(__file__).parents[2]
MATRIX = "tests/web/test_access_matrix.py"
WAYS = "tests/web/test_ways_at_the_desk.py"
LIMITS = "tests/web/test_limited_forms.py"
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "instance", "node_modules", "__pycache__", ".*_cache")
FAILED = re.compile(r"^FAILED \S+\[(\S+) ", re.MULTILINE)
EACH = 1000
"""Of one test function: all there are."""
PASSED, SOME_FAILED, STOPPED = 0, 1, 2
"""What pytest exits with; anything else is no answer."""
NEAR = {
    "access": ["tests/web/test_organizer_sign_in.py", "tests/web/test_second_factor.py"],
    "accounts": ["tests/domain/test_accounts.py", "tests/test_commands.py", "tests/web/test_organizer_sign_in.py"],
    "announcements": ["tests/web/test_announcement_desk.py", "tests/web/test_masked_mails.py"],
    "assets": ["tests/web/test_public_page.py"],
    "attendee_mails": ["tests/web/test_attendee_mails.py", "tests/web/test_masked_mails.py"],
    "attendees": ["tests/web/test_organizer_attendees.py", "tests/domain/test_exports.py"],
    "columns": ["tests/domain/test_exports.py", "tests/web/test_organizer_exports.py"],
    "desk": ["tests/web/test_organizer_sign_in.py"],
    "desk_sessions": [
        "tests/domain/test_accounts.py",
        "tests/web/test_organizer_sign_in.py",
        "tests/web/test_masks.py",
    ],
    "erasure": ["tests/web/test_own_data.py", "tests/web/test_own_links.py"],
    "events": ["tests/web/test_organizer_events.py"],
    "exports": ["tests/domain/test_exports.py", "tests/web/test_organizer_exports.py"],
    "figures": ["tests/web/test_organizer_events.py"],
    "forgetting": ["tests/test_forgetting.py"],
    "link_keys": ["tests/web/test_feeds.py"],
    "masks": [
        "tests/web/test_announcement_desk.py",
        "tests/web/test_organizer_reminders.py",
        "tests/web/test_masked_mails.py",
    ],
    "participant": ["tests/web/test_own_page.py"],
    "participation": ["tests/web/test_own_page.py", "tests/web/test_own_links.py"],
    "reminders": ["tests/web/test_organizer_reminders.py", "tests/web/test_masked_mails.py"],
    "selection": ["tests/web/test_organizer_attendees.py", "tests/web/test_organizer_exports.py"],
    "sign_in": ["tests/web/test_organizer_sign_in.py", "tests/web/test_sign_in_tries.py"],
    "signup": ["tests/web/test_limits.py", "tests/web/test_no_telling.py", "tests/web/test_signup.py"],
    "unmasking": ["tests/web/test_masks.py"],
    "words": ["tests/web/test_organizer_alarm.py"],
}
"""Tests of a module; those of others are called like it."""
DESK = "registration/web/organizer"
SEE_LIST = "may(organizer(), Action.SEE_LIST, event) -> True"
LISTS = "whoever may write mails may see the list"
RACE = "whoever deleted it just now might do this too"
LOCKED = "db.session.execute(locked.execution_options(populate_existing=True)).scalar() is None"
LINK = "accounts.py organizer_of_key: if organizer.password_link_until is None -> False"
REDUNDANT = {
    "registration/web/access.py guarded: if organizer is None -> False": "the desk has sent them to sign in before",
    "registration/domain/accounts.py check_sign_in: if organizer is None -> False": "no password fits nobody",
    f"registration/domain/{LINK}": "the link that was used is of an older generation",
    "registration/domain/accounts.py password_fits: -> True": "the hash that stands for none fits no password",
    "registration/domain/announcements.py _locked: if found is None -> False": RACE,
    f"registration/domain/reminders.py send_now: if {LOCKED} -> False": RACE,
    f"{DESK}/announcement_words.py group_lines: shown_categories(unmasked=True)": "what it labels is masked already",
    "registration/domain/attendees.py called: if not is_public_id(public_id) -> False": "nobody is called so",
    f"{DESK}/announcement_previews.py _reader: {SEE_LIST}": LISTS,
    f"{DESK}/announcement_previews.py _named: {SEE_LIST}": LISTS,
    f"{DESK}/reminder_mails.py _person: {SEE_LIST}": LISTS,
    "templates/organizer/reminder_preview.html organizer_may(Action.SEE_LIST, event) -> true": LISTS,
}
"""Guards behind another that holds by itself: what survives, and why that is right."""


def main() -> int:
    """Try all, say what survives, and answer with the exit code."""
    options = _options()
    started = time.monotonic()
    found = [one for one in mutants(ROOT) if options.only in one.name]
    views = [one for one in found if one.view]
    survivors = [one for batch in _batches(views) for one in _surviving_views(batch)]
    survivors += [one for one in found if one.alone and _survives(one)]
    survivors += _surviving_switches([one for one in found if not one.view and not one.alone])
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
    noticed = set(FAILED.findall(run.stdout))
    print(f"{len(batch)} views at once: {len(noticed)} noticed", flush=True)
    return [one for one in batch if one.view not in noticed]


def _survives(mutant: Mutant) -> bool:
    """Whether no test notices that one guard is gone."""
    with _copy() as copy:
        mutant.write(copy)
        run = _pytest(copy, LIMITS, *_tests_of(mutant), MATRIX, "-x", "-k", "not postgresql")
    print(f"{'SURVIVES' if run.returncode == PASSED else 'noticed'}   {mutant.name}", flush=True)
    return run.returncode == PASSED


def _surviving_switches(found: Sequence[Mutant]) -> list[Mutant]:
    """Return which of these no test notices."""
    left = dict(enumerate(found))
    with _copy() as copy:
        write_switches(copy, found)
        for tests, tries in (([MATRIX, WAYS], 2), (None, EACH), ([MATRIX, WAYS], EACH)):
            asked = tests or list(dict.fromkeys(test for one in left.values() for test in _tests_of(one)))
            if left and asked:
                for number, test in _tried(copy, asked, list(left), tries).items():
                    print(f"noticed   {left.pop(number).name}  {test.rpartition('::')[2]}", flush=True)
    return list(left.values())


def _tried(copy: Path, tests: Sequence[str], numbers: Sequence[int], tries: int) -> dict[int, str]:
    """Return which of these guards a test notices, and which test; each is tried so often for one test function."""
    report = copy / "guards.json"
    report.unlink(missing_ok=True)
    environment = {
        "PLENARY_GUARDS": json.dumps(numbers),
        "PLENARY_GUARDS_TRIES": str(tries),
        "PLENARY_GUARDS_REPORT": str(report),
    }
    run = _pytest(copy, *tests, "-p", "tests.guards.trying", "-k", "not postgresql", **environment)
    if not report.exists():
        raise RuntimeError(f"no test ran:\n{run.stdout[-3000:]}{run.stderr[-3000:]}")
    told = json.loads(report.read_text())
    if told["failing"]:
        raise RuntimeError(f"these fail with every guard in place: {told['failing']}")
    return {int(number): test for number, test in told["noticed"].items()}


def _tests_of(mutant: Mutant) -> list[str]:
    """Return the tests of a module: those named above, or those called like it."""
    stem = Path(mutant.path).stem
    word = stem.partition("_")[0].rstrip("s")
    called = [path for path in sorted((ROOT / "tests").rglob("test_*.py")) if len(word) > 3 and word in path.stem]
    return NEAR.get(stem) or [str(path.relative_to(ROOT)) for path in called if path.parent.name in ("web", "domain")]


@contextmanager
def _copy() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="plenary-guards-") as folder:
        yield Path(shutil.copytree(ROOT, Path(folder) / "tree", ignore=LEFT_OUT))


def _pytest(copy: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-rfE", "--tb=no", *arguments]
    run = subprocess.run(
        command, cwd=copy, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if run.returncode not in (PASSED, SOME_FAILED, STOPPED):
        raise RuntimeError(f"the tests cannot run:\n{run.stdout[-3000:]}{run.stderr[-3000:]}")
    return run


if __name__ == "__main__":
    sys.exit(main())
