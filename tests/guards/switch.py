"""Which guard is taken away just now, in a tree into which all of them were written (`finding.write_all`)."""

from __future__ import annotations

active: int | None = None
reached: set[int] = set()


def away(number: int) -> bool:
    """Whether this guard is taken away; whoever asks has reached it."""
    reached.add(number)
    return number == active
