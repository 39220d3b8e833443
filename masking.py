"""What a log may show of the address of a request: the one place that knows, for every log we write.

Beside `config` and outside the package, because gunicorn's first process reads it and must not hold the application:
a reload would go on with the old code.
"""

from __future__ import annotations

import re
from itertools import pairwise
from urllib.parse import unquote

MASK = "***"
LONGEST_WORD = 19
"""Longer ones may be a key, or a part of one that tells whose it is: the shortest of ours has 22 characters."""
KEY_FOLLOWS = frozenset({"my", "prove", "unsubscribe", "feeds", "s", "password"})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_WORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z]{2,4})?")


def masked_path(address: str) -> str:
    """Return the path of a request's address with all masked that is not plainly a word of ours.

    `address` is what stands in the request's line, or the path in it. The query goes altogether: people type into it.
    """
    path = unquote(address.partition("?")[0])
    return "/".join(_shown(part, before) for before, part in pairwise(["", *path.split("/")]))


def masked_method(method: str) -> str:
    """Return the method of a request, masked where it is none that HTTP knows: clients may write anything there."""
    return method if method in METHODS else MASK


def _shown(part: str, before: str) -> str:
    if not part:
        return ""
    if before in KEY_FOLLOWS or len(part) > LONGEST_WORD or not _WORD.fullmatch(part):
        return f"{MASK}.ics" if part.endswith(".ics") else MASK
    return part
