"""Categories in the group of a mail, as an organizer may see and choose them: those at risk are one, "participant",
for whoever may not unmask them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from flask_babel import lazy_gettext as _l

from registration.domain.attendees import PARTICIPANT, shown_categories
from registration.domain.groups import Group
from registration.domain.reminder_values import RuleValues
from registration.errors import Refusal
from registration.extensions import keyring
from registration.models import Delivery, Event

GONE = "-"
"""Stands for a category or session that the event has no more; no slug is like this, so no group with it is let in."""


def tells_apart(event: Event, slugs: Collection[str]) -> bool:
    """Whether a group of these categories holds some of those at risk and not all: how many are in it is then for
    those alone who may see who is in which."""
    at_risk = {category.slug for category in event.categories if category.at_risk}
    return bool(at_risk & set(slugs)) and not at_risk <= set(slugs)


def tells_of_category(event: Event, delivery: Delivery) -> bool:
    """Whether it tells in which category at risk somebody is that this mail was owed to them."""
    rule = next((one for one in event.reminder_rules if one.id == delivery.rule_id), None)
    group = delivery.announcement or rule
    return delivery.told_apart or (group is not None and tells_apart(event, group.categories))


def refuse_blind_change(event: Event, before: Group | RuleValues, after: Group | RuleValues, *, unmasked: bool) -> None:
    """Raise Refusal where somebody changes a group who does not see for which categories at risk it is: narrowed to one
    person, it would tell by being empty or not in which category that person is. And a rule that is widened reminds
    those who were not in its group before."""
    widened = isinstance(before, RuleValues) and tells_apart(event, before.categories)
    if not unmasked and (widened or tells_apart(event, after.categories)) and _parts(before) != _parts(after):
        sentence = _l("You do not see for which category at risk this is: leave whom it is for, or write a new one.")
        raise Refusal(sentence, "categories")


def in_address(event: Event, name: str) -> str:
    """Return what a category that is shown by this name is called in an address: one at risk by a keyed digest, for
    addresses stay in histories and logs."""
    if name not in {category.slug for category in event.categories if category.at_risk}:
        return name
    return keyring.keys.digest("category", f"{event.slug}/{name}").hex()[:16]


def shown_names(event: Event, slugs: Sequence[str], *, unmasked: bool) -> list[str]:
    """Return the names by which somebody sees these categories: each once, in the event's order, and GONE."""
    known = {category.slug: category.id for category in event.categories}
    ids = {known[slug] for slug in slugs if slug in known}
    names = [one.name for one in shown_categories(event, unmasked=unmasked) if one.ids & ids]
    return names if known.keys() >= set(slugs) else [*names, GONE]


def chosen_slugs(event: Event, names: Collection[str], before: Collection[str], *, unmasked: bool) -> tuple[str, ...]:
    """Return the categories that somebody has chosen by the names they see.

    "participant" is all at risk; but where `before`, the group they edit, has some of these, they stay: nobody widens
    unseen what somebody chose who sees more.
    """
    at_risk = [category.slug for category in event.categories if category.at_risk]
    masked = [slug for slug in at_risk if slug in before] or at_risk
    chosen: list[str] = []
    for name in names:
        chosen += masked if name == PARTICIPANT and not unmasked else [name]
    return tuple(chosen)


def _parts(group: Group | RuleValues) -> list[set[str]]:
    return [set(getattr(group, name, ())) for name in ("states", "categories", "sessions", "languages")]
