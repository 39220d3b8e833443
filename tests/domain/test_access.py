"""Which role may do what."""

from __future__ import annotations

import pytest

from registration.domain.access import Action, may
from registration.models import Event, Organizer, OrganizerRole
from registration.models.organizer import Role

TABLE = {
    Role.OWNER: set(Action),
    Role.EDITOR: {
        Action.SEE_NUMBERS,
        Action.SEE_BOOK,
        Action.SEE_LIST,
        Action.DECIDE,
        Action.EDIT_SESSIONS,
        Action.EDIT_MAIL,
        Action.SEND_AGAIN,
    },
    Role.REVIEWER: {
        Action.SEE_NUMBERS,
        Action.SEE_BOOK,
        Action.SEE_LIST,
        Action.DECIDE,
        Action.SEND_AGAIN,
        Action.SEE_CATEGORY,
        Action.SEE_VETTING_NAME,
    },
    Role.EXPORTER: {Action.SEE_NUMBERS, Action.SEE_BOOK, Action.SEE_LIST, Action.EXPORT},
    Role.VIEWER: {Action.SEE_NUMBERS},
}
HERE, THERE = Event(id=1), Event(id=2)


def organizer(*roles: tuple[Role, int | None], disabled: bool = False) -> Organizer:
    return Organizer(disabled=disabled, roles=[OrganizerRole(role=role, event_id=event_id) for role, event_id in roles])


def allowed(somebody: Organizer, event: Event) -> set[Action]:
    return {action for action in Action if may(somebody, action, event)}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("event_id", [1, None], ids=["on the event", "on all"])
def test_a_role_allows_what_the_table_says(role: Role, event_id: int | None) -> None:
    assert allowed(organizer((role, event_id)), HERE) == TABLE[role]


@pytest.mark.parametrize("role", Role)
def test_a_role_on_one_event_allows_nothing_on_another(role: Role) -> None:
    assert allowed(organizer((role, 1)), THERE) == set()


def test_roles_add_up_on_the_event_they_are_for() -> None:
    somebody = organizer((Role.REVIEWER, 1), (Role.EXPORTER, 1), (Role.OWNER, 2), (Role.VIEWER, None))
    assert allowed(somebody, HERE) == TABLE[Role.REVIEWER] | TABLE[Role.EXPORTER]
    assert allowed(somebody, THERE) == TABLE[Role.OWNER]


def test_a_disabled_account_may_nothing() -> None:
    assert allowed(organizer((Role.OWNER, None), disabled=True), HERE) == set()


def test_an_account_without_a_role_may_nothing() -> None:
    assert allowed(organizer(), HERE) == set()
