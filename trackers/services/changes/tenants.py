"""Clients, brands and memberships added, changed or ended, and the facts of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from clients.models import Brand, Client, Membership, User
from clients.services import tenants
from outbox.facts import FactType
from outbox.services import publish


def add_client(*, name: str, actor: User | None, now: datetime) -> Client:
    """Raises InvalidValuesError if there is one of that name."""
    with transaction.atomic():
        client = tenants.add_client(name=name, actor=actor, now=now)
        _publish(FactType.CLIENT_CHANGED, client.pk, client.pk, {"change": "added", "name": name}, now)
    return client


def change_client(*, client: Client, name: str, actor: User | None, now: datetime) -> Client:
    """Raises InvalidValuesError if there is another one of that name."""
    with transaction.atomic():
        changed = tenants.change_client(client=client, name=name, actor=actor)
        _publish(FactType.CLIENT_CHANGED, client.pk, client.pk, {"change": "changed", "name": name}, now)
    return changed


def delete_client(*, client: Client, actor: User | None, now: datetime) -> None:
    """Delete a client without brands or orders; its memberships end. Raises InUseError."""
    with transaction.atomic():
        for membership in client.memberships.all():
            revoke_membership(membership=membership, actor=actor, now=now)
        pk, data = client.pk, {"change": "deleted", "name": client.name}
        tenants.delete_client(client=client, actor=actor)
        _publish(FactType.CLIENT_CHANGED, pk, None, data, now)


def add_brand(*, client: Client, name: str, actor: User | None, now: datetime) -> Brand:
    """Raises InvalidValuesError if the client has one of that name."""
    with transaction.atomic():
        brand = tenants.add_brand(client=client, name=name, actor=actor)
        _publish(FactType.BRAND_CHANGED, brand.pk, client.pk, {"change": "added", "name": name}, now)
    return brand


def change_brand(
    *,
    brand: Brand,
    actor: User | None,
    now: datetime,
    client: Client | None = None,
    name: str | None = None,
) -> Brand:
    """Rename a brand, or give one without runs to another client. Raises InvalidValuesError."""
    with transaction.atomic():
        owner_id = Brand.objects.values_list("client_id", flat=True).get(pk=brand.pk)
        changed = tenants.change_brand(brand=brand, actor=actor, client=client, name=name)
        data = {"change": "changed", "name": changed.name}
        for client_id in sorted({owner_id, changed.client_id}):
            _publish(FactType.BRAND_CHANGED, brand.pk, client_id, data, now)
    return changed


def delete_brand(*, brand: Brand, actor: User | None, now: datetime) -> None:
    """Delete a brand without runs. Raises InUseError."""
    with transaction.atomic():
        pk, client_id, data = brand.pk, brand.client_id, {"change": "deleted", "name": brand.name}
        tenants.delete_brand(brand=brand, actor=actor)
        _publish(FactType.BRAND_CHANGED, pk, client_id, data, now)


def grant_membership(
    *, user: User, client: Client, actor: User | None, now: datetime, role: str = Membership.Role.VIEWER
) -> Membership:
    """Let a user see a client. Raises InvalidValuesError if the user does already."""
    with transaction.atomic():
        membership = tenants.grant_membership(user=user, client=client, role=role, actor=actor)
        _publish_membership(FactType.MEMBERSHIP_CHANGED, membership, membership.pk, now)
    return membership


def change_membership(
    *,
    membership: Membership,
    actor: User | None,
    now: datetime,
    role: str | None = None,
    user: User | None = None,
    client: Client | None = None,
) -> Membership:
    """Change what is given. Raises InvalidValuesError for an unknown role, and if the user sees the client already."""
    with transaction.atomic():
        before = (
            Membership.objects.select_related("user").select_for_update(of=("self",)).get(pk=membership.pk)
        )
        changed = tenants.change_membership(
            membership=membership, actor=actor, role=role, user=user, client=client
        )
        if (before.user_id, before.client_id) != (changed.user_id, changed.client_id):
            _publish_membership(FactType.MEMBERSHIP_ENDED, before, before.pk, now)
        _publish_membership(FactType.MEMBERSHIP_CHANGED, changed, changed.pk, now)
    return changed


def revoke_membership(*, membership: Membership, actor: User | None, now: datetime) -> None:
    """The user sees nothing of the client any more."""
    with transaction.atomic():
        stored = (
            Membership.objects.select_related("user").select_for_update(of=("self",)).get(pk=membership.pk)
        )
        pk = stored.pk
        tenants.revoke_membership(membership=stored, actor=actor)
        _publish_membership(FactType.MEMBERSHIP_ENDED, stored, pk, now)


def _publish_membership(type_: FactType, membership: Membership, pk: int, now: datetime) -> None:
    data = {"username": membership.user.username, "role": membership.role}
    _publish(type_, pk, membership.client_id, data, now)


def _publish(
    type_: FactType, subject_id: int, client_id: int | None, data: Mapping[str, Any], now: datetime
) -> None:
    publish(type=type_, subject_id=subject_id, client_id=client_id, occurred_at=now, data=data, now=now)
