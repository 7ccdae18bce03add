"""The address box on a location's page: an answer as JSON to those who may save what they find."""

from datetime import timedelta
from typing import Any

import redis
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from foundation.admin.base import GlimpseAdmin
from foundation.errors import DomainError
from locations.geocoding import searching, turns
from locations.geocoding.configuration import configured
from locations.geocoding.errors import NoGeocoderError

# Of one user. People who search for an address don't come near it.
SEARCHES = (turns.Rate(30, timedelta(minutes=1)),)


class AddressedAdmin(GlimpseAdmin):
    """Adds the search to a location's page; it is POSTed, so that addresses stay out of logs of requests."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.find_address_view)
        return [path("find-address/", view, name=self._find_address), *super().get_urls()]

    def address_search(self, request: HttpRequest) -> dict[str, Any] | None:
        """What the box needs: where it asks, or why it can't; None for those who may not save."""
        if not self._may_search(request):
            return None
        try:
            configured()
        except NoGeocoderError as error:
            return {"problem": error.message}
        return {"url": reverse(f"admin:{self._find_address}"), "longest": searching.LONGEST_ADDRESS}

    def find_address_view(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self._may_search(request):
            raise PermissionDenied
        try:
            wait_s = turns.take_turn(f"addresses:{request.user.pk}", SEARCHES)
        except redis.RedisError:
            # The search says the same better, and asks nobody.
            wait_s = 0
        if wait_s:
            return _problem(429, "throttled", f"You search very often: try again in {wait_s:.0f} s.")
        try:
            found = searching.find_addresses(text=request.POST.get("address", ""), clock=timezone.now)
        except DomainError as error:
            return _problem(error.status, error.code, error.message)
        candidates = [place._asdict() for place in found.candidates]
        return JsonResponse({"candidates": candidates, "credit": found.credit._asdict()})

    def _may_search(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request) or self.has_change_permission(request)

    @property
    def _find_address(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_find_address"


def _problem(status: int, code: str, detail: str) -> JsonResponse:
    return JsonResponse({"code": code, "detail": detail}, status=status)
