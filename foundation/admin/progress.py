"""Long work shown while it goes on: a bar on the row's page that asks the server how far it is."""

from dataclasses import asdict, dataclass
from typing import Any

from django.http import Http404, HttpRequest, JsonResponse
from django.urls import URLPattern, path, reverse

from foundation.admin.steps import StepsAdmin


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` units; text says it in words; while `running`, the page asks again every second."""

    done: int
    total: int
    text: str
    running: bool

    @property
    def percent(self) -> int:
        return round(100 * self.done / self.total) if self.total else 0


class ProgressAdmin(StepsAdmin):
    """Shows `progress(row)` above the row's form, beside its steps."""

    def progress(self, row: Any) -> Progress:
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.progress_view)
        return [path("<int:pk>/progress/", view, name=self._url_name("progress")), *super().get_urls()]

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return super().row_context(request, row) | {
            "progress": self.progress(row),
            "progress_url": reverse(f"admin:{self._url_name('progress')}", args=[row.pk]),
        }

    def progress_view(self, request: HttpRequest, pk: int) -> JsonResponse:
        row = self.get_object(request, str(pk))
        if row is None or not self.has_view_permission(request, row):
            raise Http404
        progress = self.progress(row)
        return JsonResponse(asdict(progress) | {"percent": progress.percent})
