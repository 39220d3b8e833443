"""A complete sign-up POST with its sealing against the same one that keeps its values as JSON in clear."""

from __future__ import annotations

import gc
import json
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.house import house
from bench.signup import poster, time_of
from config import Settings
from registration.keys import Keys

ROUNDS, POSTS = 200, 5
BAR = 1.15


class OpenKeys(Keys):
    """Keys that seal nothing: for measuring alone."""

    def seal(self, value: Any, bound_to: str) -> bytes:
        """Return the value as JSON."""
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    def open(self, sealed: bytes, bound_to: str) -> Any:
        """Return what JSON holds."""
        return json.loads(sealed)


def main() -> None:
    """Print what sealing adds to a sign-up."""
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        sealed, bare = _sign_ups(Path(first), Keys), _sign_ups(Path(second), OpenKeys)
        time_of(sealed, 20), time_of(bare, 20)
        gc.collect()
        gc.freeze()  # as wsgi.py does
        pairs = [_pair(sealed, bare, turned=bool(number % 2)) for number in range(ROUNDS)]
    seconds = [statistics.median(column) for column in zip(*pairs, strict=True)]
    ratio = statistics.median(sealed_time / bare_time for sealed_time, bare_time in pairs)
    print(f"sign-up POST: {1000 * seconds[0]:.2f} ms sealed, {1000 * seconds[1]:.2f} ms in clear")
    print(f"ratio {ratio:.2f} (at most {BAR})")


def _pair(sealed: Callable[[], int], bare: Callable[[], int], *, turned: bool) -> tuple[float, float]:
    """Time both; each goes first every other time."""
    if turned:
        bare_time = time_of(bare, POSTS)
        return time_of(sealed, POSTS), bare_time
    return time_of(sealed, POSTS), time_of(bare, POSTS)


def _sign_ups(folder: Path, kind: type[Keys]) -> Callable[[], int]:
    app = house(folder)
    settings: Settings = app.config["PLENARY"]
    app.extensions["keys"] = kind(settings.secret_key, settings.seal_keys)
    return poster(app)


if __name__ == "__main__":
    main()
