"""The audit log: every row of an audited model that was added, changed or deleted, in whichever way it was written.

Triggers of django-pghistory write it in the transaction of the change, into an append-only table beside each model's.
Who did it comes from the request (`pghistory.middleware`), or outside of requests from `acting`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

import pghistory
from django.db import models

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

AnyModel = TypeVar("AnyModel", bound=type[models.Model])


def audited(
    *, fields: Sequence[str] | None = None, exclude: Sequence[str] = ()
) -> Callable[[AnyModel], AnyModel]:
    """Keep an audit table `<Model>Audit`, reached as `row.audit`: a copy of `fields` (or of all but `exclude`) for
    each insert and deletion, and for each change of one of them.

    With one trigger call for a statement, however many rows it writes: a call for each row would take longer than
    writing it.
    """

    def track(model: AnyModel) -> AnyModel:
        decorate = pghistory.track(
            pghistory.InsertEvent(),
            pghistory.UpdateEvent(),
            pghistory.DeleteEvent(),
            model_name=f"{model.__name__}Audit",
            obj_field=pghistory.ObjForeignKey(related_name="audit", db_index=True),
            fields=None if fields is None else list(fields),
            exclude=list(exclude),
            level=pghistory.Statement,
            **audit_options(str(model._meta.verbose_name)),
        )
        tracked: AnyModel = decorate(model)
        return tracked

    return track


def acting(actor: AbstractUser | None, **details: Any) -> AbstractContextManager[Any]:
    """Changes within are the actor's, or the system's where it is None; `details`, say a reason, are kept with
    them."""
    return pghistory.context(user=actor.pk if actor else None, **details)


def audit_options(name: str) -> dict[str, Any]:
    """Options of `pghistory` for an audit table: append-only, who did it stands in the row itself, and its ids, of
    which there is one for each change of each row, are of 64 bits."""
    return {
        "append_only": True,
        "attrs": {"pgh_id": models.BigAutoField(primary_key=True)},
        "context_field": pghistory.ContextJSONField(),
        "meta": {"verbose_name": f"audit of {name}", "verbose_name_plural": f"audits of {name}"},
    }
