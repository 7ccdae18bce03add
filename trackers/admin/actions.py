"""What ops do with trackers. Apps above offer steps of their own; `ops` composes them."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.utils import timezone
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from clients.models import ProductionRun, User
from foundation.admin.steps import Rows, Step
from foundation.errors import DomainError
from foundation.wording import counted
from trackers.models import Assignment, Retraction, Tracker
from trackers.services import assigning, recomputation
from trackers.services.history import Cause
from trackers.services.recomputation import Pace

# Trackers in these states are not assigned by hand: orders take from the stock.
ASSIGNABLE = {Tracker.State.ALLOCATED, Tracker.State.ACTIVE, Tracker.State.RETURNED}


class NotAssignableError(DomainError):
    code = "not_assignable"


class NotRecomputableError(DomainError):
    code = "cant_be_replayed"


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


def _recompute(rows: Rows, values: dict[str, Any], actor: User, now: datetime) -> str:
    cause = Cause(Retraction.REQUEST)
    recomputed = recomputation.recompute_all(
        tracker_ids=_ids(rows), cause=cause, now=now, pace=Pace(timezone.now)
    )
    if recomputed.failures:
        raise NotRecomputableError(
            f"{len(recomputed.failures)} of {count(rows)} can't be recomputed:"
            f" {next(iter(recomputed.failures.values()))}."
        )
    changed = recomputed.written.tracker_ids
    if not changed:
        return f"{count(rows)} recomputed: everything stored was right."
    return f"{count(rows)} recomputed: {len(changed)} differed from its reports and was repaired."


def _assign(rows: Rows, values: dict[str, Any], actor: User, now: datetime) -> str:
    unfit = (
        Tracker.objects.filter(pk__in=_ids(rows)).exclude(state__in=ASSIGNABLE).values_list("mac", flat=True)
    )
    if unfit:
        raise NotAssignableError(
            f"In stock, lost or retired: {assigning.name_macs(unfit)}. Trackers leave the stock by an order."
        )
    assigning.assign(tracker_ids=_ids(rows), run=values["run"], start=values["moment"], now=now)
    return f"{count(rows)} assigned to {values['run']}."


def _release(rows: Rows, values: dict[str, Any], actor: User, now: datetime) -> str:
    assigning.release(tracker_ids=_ids(rows), at=values["moment"], now=now)
    return f"{count(rows)} released."


def count(rows: Rows) -> str:
    return counted(len(rows), "tracker")


def _ids(rows: Rows) -> list[int]:
    return [row.pk for row in rows]


STEPS = (
    Step(
        name="replay",
        title="Recompute history",
        explain=lambda rows: (
            "Status, history and events are computed from the reports again. What is stored correctly stays as"
            " it is; what differs is repaired, and the wrong rows are retracted."
        ),
        button="Recompute",
        icon="replay",
        perform=_recompute,
    ),
    Step(
        name="assign",
        title="Assign to a run",
        explain=lambda rows: (
            "The run's client sees the trackers from that moment on, and its locations decide about arrivals."
            " Nothing of an earlier run shows any more. Where many reports are there since then, their history"
            " follows within minutes, under Recomputations."
        ),
        button="Assign",
        icon="assignment_add",
        perform=_assign,
        form_class=RunForm,
        offered=lambda row: row.state in ASSIGNABLE,
    ),
    Step(
        name="release",
        title="Release from the run",
        explain=lambda rows: (
            "The assignment ends at that moment and can't be taken up again: later reports belong to no"
            " run, make no events and are not shown to the client."
        ),
        button="Release",
        icon="assignment_return",
        perform=_release,
        form_class=MomentForm,
        dangerous=True,
    ),
)
