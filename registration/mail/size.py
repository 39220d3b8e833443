"""How large words are as they travel: in quoted-printable or base64 (RFC 2045, 6.7 and 6.8), whichever is shorter."""

from __future__ import annotations

ASCII = bytes(range(128))
QUOTED = 3
"""Octets that quoted-printable makes of each that is no ASCII, and of each "="."""
QUOTED_LINE = 75 / 78
BASE64 = 57 / 78
"""Which part of a line (with its end) is the words' own."""


def encoding_of(words: str) -> str:
    """Return the Content-Transfer-Encoding in which these words are shorter."""
    quoted, based = _sizes(words)
    return "quoted-printable" if quoted <= based else "base64"


def sent_size(words: str) -> int:
    """Return how many octets, about, these words are as they travel."""
    return min(_sizes(words))


def _sizes(words: str) -> tuple[int, int]:
    octets = words.encode()
    quoted = len(octets.translate(None, ASCII)) + octets.count(b"=")
    return int((len(octets) + (QUOTED - 1) * quoted) / QUOTED_LINE), int(len(octets) / BASE64)
