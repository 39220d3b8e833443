"""The memory of a worker that makes and hands over few reminders, and very many.

Each worker is a process of its own, so that nothing but its work counts: the people are made by another.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from bench.house import NOW, SLUG, bound, house
from bench.sink import sink
from registration import worker
from registration.clock import set_clock
from registration.domain.crowds import make_crowd
from registration.domain.programme import event_named
from registration.extensions import writing

SIZES = (1_000, 100_000)
BAR = 1.2
DUE = timedelta(hours=24)
_processes = multiprocessing.get_context("spawn")


def main(sizes: Sequence[int] = SIZES) -> None:
    """Print the peak of a worker's resident memory for each number of reminders, and how much it grows."""
    peaks = [_peak(size) for size in sizes]
    for size, peak in zip(sizes, peaks, strict=True):
        print(f"{size:,} reminders: {peak:.0f} MB")
    print(f"ratio {peaks[-1] / peaks[0]:.2f} (at most {BAR})")


def _peak(size: int) -> float:
    with sink() as port, tempfile.TemporaryDirectory() as folder:
        _in_a_process(_people, folder, port, size)
        return _in_a_process(_work, folder, port, size)


def _in_a_process(target: object, folder: str, port: int, size: int) -> float:
    with _processes.Pool(1) as pool:
        return pool.apply(target, (folder, port, size))


def _people(folder: str, port: int, size: int) -> float:
    app = house(Path(folder), mail_port=port)
    with app.app_context(), writing():
        make_crowd(event_named(SLUG), size, now=NOW)
    return 0


def _work(folder: str, port: int, size: int) -> float:
    """Be the worker at the moment when the reminders fall due; returns the peak in MB."""
    app = bound(Path(folder), mail_port=port)
    with app.app_context():
        due = min(session.starts_at for session in event_named(SLUG).sessions) - DUE
    set_clock(app, lambda: due)
    with app.app_context():
        sent = worker.run_once()
    assert sent == size, sent
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or SIZES)
