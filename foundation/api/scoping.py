"""The one place where the API meets the tenant scope."""

from typing import Any, ClassVar, final

from django.db.models import Model
from rest_framework.generics import GenericAPIView

from foundation.api.strict import StrictInput


class TenantScoped(StrictInput, GenericAPIView):
    """A view of what the user may see of `model`.

    Every lookup starts with `visible_to(user)`. A view narrows that in `narrow`; it neither sets `queryset` nor
    overrides `get_queryset` (a test refuses views that do).
    """

    model: ClassVar[type[Model]]

    @final
    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return self.model.objects.none()  # type: ignore[attr-defined]
        return self.narrow(self.visible(self.model))

    def narrow(self, visible: Any) -> Any:
        return visible

    @final
    def visible(self, model: type[Model]) -> Any:
        """What the user may see of another model."""
        return model.objects.visible_to(self.request.user)  # type: ignore[attr-defined]
