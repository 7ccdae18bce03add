"""The page that tries other radii for a location, and hands one over to the location's form."""

from typing import Any

from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from foundation.admin.base import GlimpseAdmin
from foundation.errors import DomainError
from trackers.services import recomputation


class TunedAdmin(GlimpseAdmin):
    """Adds the page to a location's. Applying a radius posts the location's own form, so that it is previewed."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.tune_view)
        return [path("<path:object_id>/tune/", view, name=self._name("tune")), *super().get_urls()]

    def tune_url(self, pk: int) -> str:
        return reverse(f"admin:{self._name('tune')}", args=[pk])

    def tune_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        location = self.get_object(request, unquote(object_id))
        if location is None or not self.has_view_permission(request, location):
            raise Http404
        change_url = reverse(f"admin:{self._name('change')}", args=[location.pk])
        try:
            tried = recomputation.try_radii(location=location, now=timezone.now())
        except DomainError as error:
            self.report_error(request, error)
            return HttpResponseRedirect(change_url)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Tune the radius of {location.name}",
            "opts": self.opts,
            "tuning": tried,
            "tuning_map": {
                "centre": location.center.coords,
                "radius_m": location.radius_m,
                "points": tried.points,
            },
            "shown_m": tried.suggestion.radius_m or round(location.radius_m),
            "change_url": change_url,
            "may_change": self.has_change_permission(request, location),
            "hidden": list(self._hidden(request, location)),
        }
        return render(request, "admin/ops/tune.html", context)

    def _hidden(self, request: HttpRequest, location: Any) -> list[str]:
        """The fields of the location's form as they are stored, but for the radius."""
        form = self.get_form(request, location, change=True)(instance=location)
        return [field.as_hidden() for field in form if field.name != "radius_m"]

    def _name(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"
