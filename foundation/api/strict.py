"""The one place that refuses what an endpoint would not use: parameters, members, bodies.

Every view of the API is a `StrictInput`, most of them as `TenantScoped`. What a GET takes is told by its filters and
pages; what else a method takes, the view declares in `takes`, which the schema tells of too. All else is refused by
name before the method runs, once the caller is known to be allowed here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain
from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.openapi import AutoSchema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from foundation.api import bodies, members, parameters
from foundation.api.parameters import Parameter

WITH_BODY = ("post", "put", "patch")


@dataclass(frozen=True)
class Takes:
    """What a method takes beside its path: the fields of `body` in the body and those of `query` in the address.

    file: the body is a file as a whole, of this schema, which the view reads itself.
    """

    body: type[Serializer[Any]] = members.Nothing
    query: type[Serializer[Any]] | None = None
    file: Mapping[str, Any] | None = None


NOTHING = Takes()


class StrictInput(APIView):
    """`takes`: by method (`post`), and where it differs by media type, what it takes."""

    takes: ClassVar[Mapping[str, Takes | Mapping[str, Takes]]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        method = str(request.method).lower()
        if method in self.http_method_names and hasattr(self, method):
            self._refuse_unused("get" if method == "head" else method)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Only which methods there are: the schema tells the rest, and not every renderer could."""
        return HttpResponse(status=HTTPStatus.NO_CONTENT)

    def given(self, *, context: dict[str, Any] | None = None) -> dict[str, Any]:
        """The values of the body, checked by the serializer that is declared for it. Raises ValidationError."""
        takes = self._taken(str(self.request.method).lower())
        return _checked(takes.body(data=self.request.data, context=context or {}))

    def asked(self) -> dict[str, Any]:
        """The values of the address, checked by the serializer that is declared for it. Raises ValidationError."""
        query = self._taken(str(self.request.method).lower()).query or members.Nothing
        return _checked(query(data=self.request.query_params))

    def _refuse_unused(self, method: str) -> None:
        bodies.require_length(self.request._request)
        if (
            method not in WITH_BODY
            and method not in self.takes
            and bodies.declared_bytes(self.request._request)
        ):
            raise ValidationError({"body": [f"{self.request.method} takes no body here: leave it out."]})
        if method in WITH_BODY:
            bodies.refuse_other_codings(self.request._request)
        takes = self._taken(method)
        found = chain(
            parameters.problems(
                self.request.query_params, [*self._known(method)], members.names(takes.body())
            ),
            self._body_problems(takes) if method in WITH_BODY else (),
        )
        if errors := parameters.by_name(found):
            raise ValidationError(errors)

    def _body_problems(self, takes: Takes) -> Iterator[parameters.Problem]:
        data = self.request.data
        if takes.file is not None and isinstance(data, bytes):
            return iter(())
        return members.problems(data, takes.body, self.request.FILES)

    def _known(self, method: str) -> Iterator[Parameter]:
        if method in ("get", "options"):
            yield from parameters.of_reading(self)
        for each in self.takes if method == "options" else (method,):
            yield from parameters.of_serializer(self._taken(each).query)

    def _taken(self, method: str) -> Takes:
        declared = self.takes.get(method, NOTHING)
        if isinstance(declared, Takes):
            return declared
        media_type = self.request.content_type.partition(";")[0].strip().lower()
        return declared.get(media_type, NOTHING)


class DeclaredSchema(AutoSchema):
    """Tells of what views declare to take."""

    def get_request_serializer(self) -> Any:
        declared = self._declared()
        if isinstance(declared, Takes):
            return None if declared.body is members.Nothing else declared.body
        return {media_type: takes.file or takes.body for media_type, takes in declared.items()}

    def get_override_parameters(self) -> list[Any]:
        declared = self._declared()
        of_method = [declared] if isinstance(declared, Takes) else declared.values()
        return [*dict.fromkeys(takes.query for takes in of_method if takes.query)]

    def _declared(self) -> Takes | Mapping[str, Takes]:
        declared: Mapping[str, Takes | Mapping[str, Takes]] = getattr(self.view, "takes", {})
        return declared.get(self.method.lower(), NOTHING)


def _checked(serializer: Serializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values
