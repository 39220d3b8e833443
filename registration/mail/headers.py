"""How the headers of our mails are written: by `email`, with what it does wrong mended and what it does again kept."""

from __future__ import annotations

from email.header import Header
from email.headerregistry import HeaderRegistry, UniqueUnstructuredHeader
from email.policy import EmailPolicy, Policy
from functools import lru_cache
from typing import Any

SHARED = frozenset(
    {
        "auto-submitted",
        "content-disposition",
        "content-language",
        "content-transfer-encoding",
        "content-type",
        "from",
        "list-unsubscribe-post",
        "mime-version",
        "reply-to",
    }
)
"""Headers that many mails have in common. In the others stand names, addresses and keys, of which nothing is kept."""
KEPT = 512


class Subject(UniqueUnstructuredHeader):
    """A subject that keeps its spaces: `email` itself loses or doubles some where it folds a long one that is not
    ASCII (Python 3.11)."""

    def fold(self, *, policy: Policy) -> str:
        """Return the header's lines, encoded (RFC 2047) where that is needed."""
        words = str(self)
        encoded = Header(words, "us-ascii" if words.isascii() else "utf-8", header_name="Subject")
        return f"Subject: {encoded.encode(linesep=policy.linesep)}{policy.linesep}"


class ListUnsubscribe(UniqueUnstructuredHeader):
    """A link, on one line: `email` itself encodes (RFC 2047), and so breaks, one that is longer than its lines."""

    def fold(self, *, policy: Policy) -> str:
        """Return the header's line."""
        return f"List-Unsubscribe: {self}{policy.linesep}"


class _Registry(HeaderRegistry):
    """`email` makes a class anew for every header; here it is made once for each name."""

    __getitem__ = lru_cache(HeaderRegistry.__getitem__)


class _Policy(EmailPolicy):
    """SMTP's policy, which remembers how headers that many mails share are parsed and folded."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """Return a header as a message keeps it."""
        if type(value) is str and name.lower() in SHARED:
            return _parsed(name, value)
        return super().header_store_parse(name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:
        """Return a header's lines."""
        return _folded(name, value) if name.lower() in SHARED else super().fold_binary(name, value)


@lru_cache(KEPT)
def _parsed(name: str, value: str) -> tuple[str, Any]:
    return EmailPolicy.header_store_parse(POLICY, name, value)


@lru_cache(KEPT)
def _folded(name: str, value: Any) -> bytes:
    return EmailPolicy.fold_binary(POLICY, name, value)


_registry = _Registry()
_registry.map_to_type("subject", Subject)  # type: ignore[arg-type]  # the registry adds BaseHeader itself
_registry.map_to_type("list-unsubscribe", ListUnsubscribe)  # type: ignore[arg-type]  # the same
POLICY = _Policy(linesep="\r\n", header_factory=_registry)
