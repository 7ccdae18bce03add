"""What ops do with trackers. Each is asked for on a page of its own first and calls one service."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from clients.errors import DomainError
from clients.models import ProductionRun
from trackers.models import Assignment, Tracker
from trackers.services import assigning, replaying

MAX_TRACKERS = 200
# Trackers in these states are not assigned by hand: orders take from the stock.
ASSIGNABLE = {Tracker.State.ALLOCATED, Tracker.State.ACTIVE, Tracker.State.RETURNED}


class NotAssignable(DomainError):
    code = "not_assignable"


class MomentForm(forms.Form):
    moment = forms.SplitDateTimeField(
        label="At (UTC)", widget=UnfoldAdminSplitDateTimeWidget, initial=timezone.now
    )


class RunForm(forms.Form):
    run = forms.ModelChoiceField(
        ProductionRun.objects.all(),
        label="Production run",
        widget=AutocompleteSelect(Assignment._meta.get_field("run"), admin.site),
    )
    moment = forms.SplitDateTimeField(
        label="From (UTC)",
        widget=UnfoldAdminSplitDateTimeWidget,
        initial=timezone.now,
        help_text="Reports since then belong to the run, also those that are there already.",
    )


@dataclass(frozen=True)
class TrackerAction:
    """`perform(tracker ids, the form's values, now)` calls the service and returns the message of what happened."""

    name: str
    title: str
    explanation: str
    button: str
    icon: str
    perform: Callable[[Sequence[int], dict[str, Any], datetime], str]
    form_class: type[forms.Form] = forms.Form
    dangerous: bool = False


def _replay(ids: Sequence[int], values: dict[str, Any], now: datetime) -> str:
    changed = replaying.replay_trackers(tracker_ids=ids, now=now).tracker_ids
    if not changed:
        return f"{_count(ids)} recomputed: everything stored was right."
    return f"{_count(ids)} recomputed: {len(changed)} differed from its reports and was corrected."


def _assign(ids: Sequence[int], values: dict[str, Any], now: datetime) -> str:
    unfit = Tracker.objects.filter(pk__in=ids).exclude(state__in=ASSIGNABLE).values_list("mac", flat=True)
    if unfit:
        raise NotAssignable(
            f"In stock, lost or retired: {assigning.name_macs(unfit)}. Trackers leave the stock by an order."
        )
    assigning.assign(tracker_ids=ids, run=values["run"], start=values["moment"], now=now)
    return f"{_count(ids)} assigned to {values['run']}."


def _release(ids: Sequence[int], values: dict[str, Any], now: datetime) -> str:
    assigning.release(tracker_ids=ids, at=values["moment"], now=now)
    return f"{_count(ids)} released."


def _count(ids: Sequence[int]) -> str:
    return "1 tracker" if len(ids) == 1 else f"{len(ids)} trackers"


ACTIONS = (
    TrackerAction(
        name="replay",
        title="Recompute history",
        explanation="Status, history and events are computed from the reports again. What is stored correctly stays as"
        " it is; what differs is corrected, and the wrong rows are retracted.",
        button="Recompute",
        icon="replay",
        perform=_replay,
    ),
    TrackerAction(
        name="assign",
        title="Assign to a run",
        explanation="The run's client sees the trackers from that moment on, and its locations decide about arrivals."
        " Nothing of an earlier run shows any more.",
        button="Assign",
        icon="assignment_add",
        perform=_assign,
        form_class=RunForm,
    ),
    TrackerAction(
        name="release",
        title="Release from the run",
        explanation="The assignment ends at that moment and can't be taken up again: reports from then on belong to no"
        " run, make no events and are not shown to the client.",
        button="Release",
        icon="assignment_return",
        perform=_release,
        form_class=MomentForm,
        dangerous=True,
    ),
)


def bulk_action(action: TrackerAction) -> Any:
    """The action of the changelist; its confirmation posts to the changelist again."""

    @admin.action(description=action.title, permissions=["change"])
    def run(model_admin: Any, request: HttpRequest, queryset: QuerySet[Tracker]) -> HttpResponse | None:
        trackers = list(queryset.order_by("pk")[: MAX_TRACKERS + 1])
        if len(trackers) > MAX_TRACKERS:
            model_admin.message_user(
                request, f"Select at most {MAX_TRACKERS} trackers at once.", messages.ERROR
            )
            return None
        if "confirmed" not in request.POST:
            return _ask(model_admin, request, action, trackers, action.form_class())
        form = action.form_class(request.POST)
        if not form.is_valid():
            return _ask(model_admin, request, action, trackers, form)
        _perform(model_admin, request, action, [tracker.pk for tracker in trackers], form)
        return _back(request, trackers)

    run.__name__ = action.name
    return run


def ask_for_one(
    model_admin: Any, request: HttpRequest, action: TrackerAction, tracker: Tracker
) -> HttpResponse:
    """The same confirmation, for the tracker whose page it is asked for on."""
    return _ask(model_admin, request, action, [tracker], action.form_class(), from_page=True)


def _perform(
    model_admin: Any, request: HttpRequest, action: TrackerAction, ids: Sequence[int], form: forms.Form
) -> None:
    try:
        message = action.perform(ids, form.cleaned_data, timezone.now())
    except DomainError as error:
        model_admin.report_error(request, error)
    else:
        model_admin.message_user(request, message, messages.SUCCESS)


def _back(request: HttpRequest, trackers: Sequence[Tracker]) -> HttpResponse | None:
    if "from_page" in request.POST and len(trackers) == 1:
        return HttpResponseRedirect(reverse("admin:trackers_tracker_change", args=[trackers[0].pk]))
    return None


def _ask(
    model_admin: Any,
    request: HttpRequest,
    action: TrackerAction,
    trackers: Sequence[Tracker],
    form: forms.Form,
    *,
    from_page: bool = False,
) -> HttpResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "title": action.title,
        "opts": model_admin.opts,
        "media": model_admin.media + form.media,
        "action": action,
        "trackers": trackers,
        "form": form,
        "from_page": from_page or "from_page" in request.POST,
        "checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        "post_url": reverse("admin:trackers_tracker_changelist"),
    }
    return render(request, "admin/trackers/tracker/confirm_action.html", context)
