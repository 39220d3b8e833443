"""Answers to questions in words."""

from __future__ import annotations

from flask_babel import gettext as _

from registration.countries import country_names
from registration.models import Question
from registration.models.event import QuestionKind
from registration.web.display import page_language, text


def answer_text(question: Question, answer: str | list[str] | bool) -> str:
    """Return an answer in words: what was chosen by its label, a country by its name."""
    if isinstance(answer, bool):
        return _("Yes") if answer else _("No")
    labels = {choice["value"]: text(choice["label"]) for choice in question.choices}
    if question.kind is QuestionKind.COUNTRY:
        labels = country_names(page_language())
    return ", ".join(labels.get(one, one) for one in ([answer] if isinstance(answer, str) else answer))
