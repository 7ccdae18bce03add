"""Rows that services write from named values: checked as the model says, and refused by field."""

from collections.abc import Collection, Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Model, ProtectedError

from foundation.errors import InUseError, InvalidValuesError


def give(row: Model, values: Mapping[str, Any], *, known: Collection[str]) -> None:
    """Give the row these values, unsaved. Raises TypeError for a name that is not known."""
    if unknown := values.keys() - set(known):
        raise TypeError(f"{type(row).__name__} takes no {', '.join(sorted(unknown))}")
    for name, value in values.items():
        setattr(row, name, value)


def save(row: Model) -> None:
    """Save the row if its fields and constraints are as they must be. Raises InvalidValuesError."""
    try:
        row.full_clean()
    except ValidationError as error:
        raise InvalidValuesError(
            {
                "" if name == NON_FIELD_ERRORS else name: " ".join(said)
                for name, said in error.message_dict.items()
            }
        ) from error
    row.save()


def delete(row: Model, *, otherwise: str) -> None:
    """Delete the row. Raises InUseError, which says `otherwise`, if something that is kept refers to it."""
    try:
        row.delete()
    except ProtectedError as error:
        raise InUseError(f"{row} is in use: {otherwise}") from error
