"""What stands in the place of a guard that was taken away."""

from __future__ import annotations

from functools import wraps
from typing import Any

from registration.domain.programme import event_named
from registration.web.access import View
from registration.web.display import use_language


def opened(view: View) -> View:
    """As `for_event`, but for its questions: everybody gets through to every event."""

    @wraps(view)
    def reached(event_slug: str, **arguments: Any) -> Any:
        event = event_named(event_slug)
        use_language(event.default_language)
        return view(event=event, **arguments)

    return reached
