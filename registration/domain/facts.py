"""What one reader is told of a session, and how that differs from what they were told before."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from registration.domain.livestream import FLOOR
from registration.models import SessionRevision
from registration.models.programme import Audience
from registration.text import in_language


class Traits(NamedTuple):
    """What of a person decides what they are told. `category` is its slug."""

    language: str
    stream_language: str
    category: str
    discreet: bool


@dataclass(frozen=True)
class Facts:
    """A session as one reader knows it; times are aware, in UTC. `links`: the streams their mails lead to.

    In discreet mode neither title nor links are ever told, so none stand here.
    """

    title: str
    starts_at: datetime
    ends_at: datetime
    takes_place: bool
    links: tuple[str, ...]


class Change(enum.StrEnum):
    """What is new to somebody."""

    MOVED = "moved"
    RENAMED = "renamed"
    RELINKED = "relinked"
    CANCELLED = "cancelled"
    RESTORED = "restored"


def facts_of(revision: SessionRevision, traits: Traits, default_language: str) -> Facts:
    """Return what a revision of a session says to such a reader."""
    titles = (revision.title, revision.event_title)
    named = " – ".join(in_language(title, traits.language, default_language) for title in titles)
    return Facts(
        title="" if traits.discreet else named,
        starts_at=revision.starts_at,
        ends_at=revision.ends_at,
        takes_place=revision.takes_place,
        links=() if traits.discreet else _links(revision.streams, traits),
    )


def changes_between(before: Facts, after: Facts) -> frozenset[Change]:
    """Return what a reader who knows `before` has to be told of `after`; nothing if nothing material differs."""
    if not after.takes_place:
        return frozenset({Change.CANCELLED}) if before.takes_place else frozenset()
    found = {
        Change.RESTORED: not before.takes_place,
        Change.MOVED: (before.starts_at, before.ends_at) != (after.starts_at, after.ends_at),
        Change.RENAMED: before.title != after.title,
        Change.RELINKED: before.links != after.links,
    }
    return frozenset(change for change, is_so in found.items() if is_so)


def _links(streams: list[dict[str, Any]], traits: Traits) -> tuple[str, ...]:
    """Return the public stream they follow (in their language, else the floor, else the first) and their rooms."""
    public = [one for one in streams if one["audience"] == Audience.PUBLIC]
    rank = {traits.stream_language: 0, FLOOR: 1}
    followed = sorted(public, key=lambda one: rank.get(one["language"], 2))[:1]
    rooms = [
        one
        for one in streams
        if one["audience"] == Audience.CONFIRMED and (not one["categories"] or traits.category in one["categories"])
    ]
    return tuple(one["url"] for one in (*followed, *rooms))
