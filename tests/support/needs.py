"""What to do where the machine lacks a part that some tests need."""

from __future__ import annotations

import os

import pytest


def need(condition: object, what: str) -> None:
    """Go on if `condition` holds. Otherwise skip the test, or fail it where everything has to be there."""
    if condition:
        return
    if os.environ.get("PLENARY_CI"):
        pytest.fail(f"{what} is missing, and nothing may be skipped here", pytrace=False)
    pytest.skip(f"{what} is not on this machine")
