"""Taking a list away: which columns, in which format, and why."""

from __future__ import annotations

from pathlib import Path

from flask import current_app, render_template, stream_with_context
from werkzeug.wrappers import Response

from registration import clock
from registration.domain import columns
from registration.domain import exports as rules
from registration.domain.access import Action, may
from registration.domain.tables import MEDIA_TYPES, Format
from registration.errors import Refusal
from registration.extensions import writing
from registration.models import Event, Export
from registration.web.access import for_event
from registration.web.organizer.desk import asks_for_password, blueprint
from registration.web.organizer.events import organizer
from registration.web.organizer.forms import ExportForm
from registration.web.organizer.selection import Selection, read_selection
from registration.web.organizer.words import column_label

Answer = tuple[str, int] | Response


@blueprint.get("/events/<slug:event_slug>/export/")
@for_event(Action.EXPORT)
def export(event: Event) -> Answer:
    """Ask for columns, format and reason."""
    return _page(event, _form(event, submitted=False), read_selection(event))


@blueprint.post("/events/<slug:event_slug>/export/")
@asks_for_password
@for_event(Action.EXPORT)
def take(event: Event) -> Answer:
    """Write the export into the book, then let the list go."""
    form, selection = _form(event, submitted=True), read_selection(event)
    if not form.validate() or selection.filters is None:
        return _page(event, form, selection)
    order = rules.Order(
        format=Format(form.format.data),
        columns=tuple(form.columns.data or ()),
        unmask=bool("unmask" in form and form.unmask.data),
        reason=form.reason.data or "",
        filters=selection.filters,
    )
    try:
        with writing():
            now = clock.now()
            rules.refuse_too_many(organizer(), now=now)
            export = rules.write_down(event, organizer(), order, now=now)
    except Refusal as refusal:
        if refusal.field == "unmask":
            form.unmask.errors = [str(refusal)]
        else:
            form.form_errors.append(str(refusal))
        return _page(event, form, selection)
    return _file(event, export)


def _file(event: Event, export: Export) -> Response:
    kind = Format(export.format)
    parts = rules.stream(export, Path(current_app.instance_path))
    response: Response = current_app.response_class(stream_with_context(parts), mimetype=MEDIA_TYPES[kind])
    name = f"{event.slug}-{export.at:%Y-%m-%d}.{kind}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _form(event: Event, *, submitted: bool) -> ExportForm:
    """Return the form as this organizer gets it: to unmask is an owner's."""
    unmasked = may(organizer(), Action.UNMASK, event)
    form = (
        ExportForm(columns=list(columns.DEFAULT_COLUMNS))
        if submitted
        else ExportForm(formdata=None, columns=list(columns.DEFAULT_COLUMNS))
    )
    names = columns.available(event, unmasked=unmasked)
    form.columns.choices = [(name, column_label(event, name)) for name in names]
    if not unmasked:
        del form.unmask
    return form


def _page(event: Event, form: ExportForm, selection: Selection) -> Answer:
    html = render_template("organizer/export.html", event=event, form=form, selection=selection)
    return html, 422 if form.errors or selection.filters is None else 200
