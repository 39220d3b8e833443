"""The words of somebody's copy of their data, for states, standings, replies and roles."""

from __future__ import annotations

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from registration.domain.columns import ANSWER
from registration.models.invitation import Reply, Standing
from registration.models.organizer import Role
from registration.web.organizer.words import COLUMNS, STATES

__all__ = ["STATES"]

STANDINGS: dict[str, LazyString] = {
    Standing.NONE: _l("Nothing was sent yet"),
    Standing.INVITED: _l("An invitation"),
    Standing.INFORMED: _l("The times, and a file"),
    Standing.CANCELLED: _l("Word that it is off"),
}
REPLIES: dict[str, LazyString] = {
    Reply.ACCEPTED: _l("Accepted"),
    Reply.TENTATIVE: _l("Perhaps"),
    Reply.DECLINED: _l("Declined"),
}
ROLES: dict[str, LazyString] = {
    Role.OWNER: _l("Owner"),
    Role.EDITOR: _l("Editor"),
    Role.REVIEWER: _l("Reviewer"),
    Role.EXPORTER: _l("Exporter"),
    Role.VIEWER: _l("Viewer"),
}


def column_label(name: str) -> str:
    """Return what a column of an export is called; an answer's is its short name."""
    return name.removeprefix(ANSWER) if name.startswith(ANSWER) else str(COLUMNS.get(name, name))
