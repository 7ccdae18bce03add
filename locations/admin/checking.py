"""While a fence is drawn: what is wrong with it and what it overlaps, as JSON to those who may save it."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from foundation.admin import fields
from foundation.admin.base import GlimpseAdmin
from locations import overlaps
from locations.admin.forms import DrawnFenceForm
from locations.fences import InvalidFenceError


class CheckedFenceAdmin(GlimpseAdmin):
    """Adds the check to a location's page; it stores nothing, and answers as the save would."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.check_fence_view)
        return [
            path("check-fence/", view, name=self._check_fence),
            path("<int:pk>/check-fence/", view, name=self._check_fence),
            *super().get_urls(),
        ]

    def check_url(self, pk: int | None) -> str:
        """Where the editor asks about the fence of a location, or of a new one."""
        return reverse(f"admin:{self._check_fence}", args=[] if pk is None else [pk])

    def check_fence_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        form = DrawnFenceForm(request.POST)
        if unused := [*fields.problems(request, form)]:
            return _answer(refused=unused)
        if not form.is_valid():
            return _answer(refused=[text for texts in form.errors.values() for text in texts])
        try:
            fence = form.settle()
        except InvalidFenceError as error:
            return _answer(refused=[*error.fields.values()])
        found = overlaps.overlapping(
            fence,
            radius_m=form.radius,
            run_ids=[run.pk for run in form.cleaned_data["runs"]],
            own_id=pk,
            now=timezone.now(),
        )
        warning = overlaps.warning(found)
        return _answer(warnings=[warning] if warning else [])

    @property
    def _check_fence(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_check_fence"


def _answer(**found: Any) -> JsonResponse:
    return JsonResponse({"refused": [], "warnings": []} | found)
