"""What a form of our own would not use of what was sent to it."""

from collections.abc import Collection, Iterator

from django import forms
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest

from foundation.naming import unknown

# What stands on every page with a form, and what a list sends with an action.
_OF_PAGES = {"csrfmiddlewaretoken"}
OF_STEPS = {"confirmed", "action", "index", "select_across", ACTION_CHECKBOX_NAME}


def problems(request: HttpRequest, form: forms.BaseForm, beside: Collection[str] = ()) -> Iterator[str]:
    """Yield what is wrong with fields and files that the form does not know, or takes once. beside: other names that
    may be sent with it."""
    known = {name: field for field in form for name in _names(field)}
    others = _OF_PAGES | {*beside}
    for given in (request.POST, request.FILES):
        for name, values in given.lists():
            if name in others:
                continue
            field = known.get(name)
            if field is None:
                yield unknown("field", name, known)
            elif len(values) > 1 and not getattr(field.field.widget, "allow_multiple_selected", False):
                yield f"`{name}` is there {len(values)} times: give it once."
            elif given is request.FILES and not isinstance(field.field, forms.FileField):
                yield f"`{name}` is sent as a file: send it as a plain field."


def unknown_to(
    request: HttpRequest, form: forms.BaseForm, prefixes: Collection[str], of_row: Collection[str]
) -> Iterator[str]:
    """Yield what is wrong with what was sent to a page of Django's for a row, with tables of other rows below.

    prefixes: of these tables; whatever begins so is theirs. of_row: what the row has beside the form's fields.
    Django's own buttons and marks begin with `_`.
    """
    theirs = tuple(f"{prefix}-" for prefix in prefixes)
    given = {*request.POST, *request.FILES}
    others = {name for name in given if name.startswith(("_", "initial-", *theirs))}
    return problems(request, form, others | OF_STEPS | ({*of_row} - {field.name for field in form}))


def _names(field: forms.BoundField) -> Iterator[str]:
    """A field's inputs: one, or those of its parts."""
    widget = field.field.widget
    if isinstance(widget, forms.MultiWidget):
        yield from (f"{field.html_name}{suffix}" for suffix in widget.widgets_names)  # type: ignore[attr-defined]
    else:
        yield field.html_name
        if isinstance(widget, forms.ClearableFileInput):
            yield widget.clear_checkbox_name(field.html_name)
