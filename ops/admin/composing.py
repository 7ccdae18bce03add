"""Registers an admin that composes several apps in the place of the one that its app registered.

The plain admins are registered by then: `ops` imports them.
"""

from collections.abc import Callable
from typing import TypeVar

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.db.models import Model

AnyAdmin = TypeVar("AnyAdmin", bound=type[ModelAdmin])


def composed(model: type[Model]) -> Callable[[AnyAdmin], AnyAdmin]:
    """The decorated admin is the model's, instead of the plain one of the model's own app."""

    def replace(admin_class: AnyAdmin) -> AnyAdmin:
        admin.site.unregister(model)
        admin.site.register(model, admin_class)
        return admin_class

    return replace
