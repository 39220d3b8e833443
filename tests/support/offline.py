"""Tests stay on this machine: any other address is refused before a packet leaves."""

from __future__ import annotations

import sys
from typing import Any

HERE = ("127.0.0.1", "::1", "localhost", "")


class LeftTheMachineError(Exception):
    """A test tried to reach another machine."""


def stay_on_this_machine() -> None:
    """Refuse names and addresses of other machines from now on, in every thread of this process."""
    sys.addaudithook(_refuse_other_machines)


def _refuse_other_machines(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
    elif event == "socket.getaddrinfo":
        address = arguments
    else:
        return
    if isinstance(address, tuple) and (address[0] or "") not in HERE:
        raise LeftTheMachineError(f"a test wants to reach {address[0]!r}")
