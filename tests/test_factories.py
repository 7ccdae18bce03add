"""The factories keep step with the models."""

import inspect

import pytest
from factory.django import DjangoModelFactory

from tests import factories

FACTORIES = [
    factory
    for _, factory in inspect.getmembers(factories, inspect.isclass)
    if issubclass(factory, DjangoModelFactory) and factory is not DjangoModelFactory
]


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: factory.__name__)
@pytest.mark.django_db
def test_factory_makes_valid_rows(factory):
    one, other = factory(), factory()
    assert one.pk != other.pk
    one.refresh_from_db()
