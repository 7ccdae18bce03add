"""Clients, their brands and memberships: what they may be, and their writes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction

from clients.models import Brand, Client, Membership, User
from foundation import audit, rows
from foundation.errors import InvalidValuesError

AnyRow = TypeVar("AnyRow", Client, Brand, Membership)


def add_client(*, name: str, actor: User | None, now: datetime) -> Client:
    """Raises InvalidValuesError if there is one of that name."""
    return _saved(Client(name=name, created_at=now), actor)


def change_client(*, client: Client, name: str, actor: User | None) -> Client:
    """Raises InvalidValuesError if there is another one of that name."""
    stored = Client.objects.get(pk=client.pk)
    stored.name = name
    return _saved(stored, actor)


def delete_client(*, client: Client, actor: User | None) -> None:
    """Delete a client without brands or orders, with its memberships. Raises InUseError."""
    with transaction.atomic(), audit.acting(actor):
        rows.delete(client, otherwise="it has brands or orders. End its runs instead.")


def refuse_invalid_brand(brand: Brand | None, values: Mapping[str, Any]) -> None:
    """Raise InvalidValuesError if the brand would take its runs to another client: all that its trackers reported
    would move with it."""
    client = values.get("client")
    if brand and client and client.pk != brand.client_id and brand.runs.exists():
        raise InvalidValuesError(
            {
                "client": f"{brand.name} has production runs, so it stays with {brand.client}: add a brand of that name"
                f" to {client} instead."
            }
        )


def add_brand(*, client: Client, name: str, actor: User | None) -> Brand:
    """Raises InvalidValuesError if the client has one of that name."""
    return _saved(Brand(client=client, name=name), actor)


def change_brand(
    *, brand: Brand, actor: User | None, client: Client | None = None, name: str | None = None
) -> Brand:
    """Rename a brand, or give one without runs to another client. Raises InvalidValuesError."""
    with transaction.atomic():
        stored = Brand.objects.select_for_update(no_key=True).get(pk=brand.pk)
        refuse_invalid_brand(stored, {"client": client})
        stored.client, stored.name = client or stored.client, stored.name if name is None else name
        return _saved(stored, actor)


def delete_brand(*, brand: Brand, actor: User | None) -> None:
    """Delete a brand without runs. Raises InUseError."""
    with transaction.atomic(), audit.acting(actor):
        rows.delete(brand, otherwise="it has production runs.")


def grant_membership(
    *, user: User, client: Client, actor: User | None, role: str = Membership.Role.VIEWER
) -> Membership:
    """Let a user see a client. Raises InvalidValuesError if the user does already."""
    return _saved(Membership(user=user, client=client, role=role), actor)


def change_membership(
    *,
    membership: Membership,
    actor: User | None,
    role: str | None = None,
    user: User | None = None,
    client: Client | None = None,
) -> Membership:
    """Change what is given. Raises InvalidValuesError for an unknown role, and if the user sees the client already."""
    stored = Membership.objects.select_related("user", "client").get(pk=membership.pk)
    stored.role = stored.role if role is None else role
    stored.user, stored.client = user or stored.user, client or stored.client
    return _saved(stored, actor)


def revoke_membership(*, membership: Membership, actor: User | None) -> None:
    """The user sees nothing of the client any more, from the next request on."""
    with transaction.atomic(), audit.acting(actor):
        membership.delete()


def _saved(row: AnyRow, actor: User | None) -> AnyRow:
    with transaction.atomic(), audit.acting(actor):
        rows.save(row)
    return row
