"""Tenant scoping, in one place: every lookup for a user starts from `Model.objects.visible_to(user)`."""

from typing import Any, ClassVar, Literal, Self, TypeVar

from django.db import models

Row = TypeVar("Row", bound=models.Model)

# A signed-in user with `memberships`, or `AnonymousUser`.
Viewer = Any
# A subquery of clients' primary keys.
ClientIds = models.QuerySet[Any, Any]


def sees_everything(user: Viewer) -> bool:
    """Staff see every client."""
    return bool(user.is_active and user.is_staff)


def clients_seen_by(user: Viewer) -> tuple[int, ...] | Literal["all"]:
    """The ids of the clients whose rows `visible_to` shows, where they have to be named."""
    if sees_everything(user):
        return "all"
    if not (user.is_active and user.is_authenticated):
        return ()
    return tuple(user.memberships.order_by("client_id").values_list("client_id", flat=True))


class TenantQuerySet(models.QuerySet[Row]):
    """A queryset whose rows belong to the client at the end of `client_path`."""

    client_path: ClassVar[str]

    def visible_to(self, user: Viewer) -> Self:
        """What `user` may see: all for staff, its clients' rows for a member, nothing for anybody else."""
        if sees_everything(user):
            return self
        if not (user.is_active and user.is_authenticated):
            return self.none()
        return self.of_clients(user.memberships.values("client_id"))

    def of_clients(self, client_ids: ClientIds) -> Self:
        return self.filter(**{f"{self.client_path}__in": client_ids})
