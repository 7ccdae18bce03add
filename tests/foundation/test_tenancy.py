"""Who sees which rows: staff all, members their clients', and nobody who may not sign in sees any."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import models

from clients.models import Client
from foundation.tenancy import TenantQuerySet, sees_everything
from tests import factories
from tests.personas import World, make_world

TENANT_MODELS = [
    model for model in apps.get_models() if isinstance(model._default_manager.all(), TenantQuerySet)
]


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def test_there_are_models_of_tenants() -> None:
    assert len(TENANT_MODELS) >= 10


@pytest.mark.parametrize("model", TENANT_MODELS, ids=lambda model: model.__name__)
def test_who_may_not_sign_in_sees_no_row_of_any_model(world: World, model: type[models.Model]) -> None:
    former_staff = factories.AdminFactory(is_active=False)
    former_staff_member = factories.StaffFactory(is_active=False)
    factories.MembershipFactory(user=former_staff_member, client=world.alpha.client)
    stranger = factories.UserFactory()
    for user in (world.users["inactive"], former_staff, former_staff_member, AnonymousUser(), stranger):
        assert not model._default_manager.all().visible_to(user).exists(), user


@pytest.mark.parametrize("model", TENANT_MODELS, ids=lambda model: model.__name__)
def test_active_staff_see_every_row(world: World, model: type[models.Model]) -> None:
    rows = model._default_manager.all()
    assert rows.visible_to(world.users["staff"]).count() == rows.count()


@pytest.mark.parametrize(
    ("persona", "names"),
    [("viewer", ["Alpha"]), ("other_client", ["Beta"]), ("staff", ["Alpha", "Beta"]), ("inactive", [])],
)
def test_members_see_their_own_clients(world: World, persona: str, names: list[str]) -> None:
    seen = Client.objects.visible_to(world.users[persona]).order_by("name")
    assert [client.name for client in seen] == names


def test_member_of_several_clients_sees_each(world: World) -> None:
    user = world.users["viewer"]
    factories.MembershipFactory(user=user, client=world.beta.client)
    assert {client.name for client in Client.objects.visible_to(user)} == {"Alpha", "Beta"}


@pytest.mark.parametrize(
    ("fields", "everything"),
    [
        ({"is_staff": True}, True),
        ({"is_staff": True, "is_active": False}, False),
        ({"is_staff": False, "is_superuser": True}, False),
        ({}, False),
    ],
)
def test_only_active_staff_see_everything(fields: dict[str, Any], everything: bool) -> None:
    assert sees_everything(factories.UserFactory.build(**fields)) is everything
