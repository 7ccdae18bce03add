"""The errors that every app can raise, and the base of all domain errors: hence in the lowest layer."""

from collections.abc import Mapping
from http import HTTPStatus


class DomainError(Exception):
    """Something the caller asked for can't be done.

    `code` is stable and for machines; `message` says what is wrong and what to do about it;
    `status` is the HTTP status that an interface should answer.
    """

    code = "domain_error"
    status = HTTPStatus.CONFLICT

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class OpenTransactionError(RuntimeError):
    """The caller holds a transaction open, which would last as long as the network takes."""


class InvalidValuesError(DomainError):
    """Values that can't be stored; `fields` says of each of them, by its name, what is wrong."""

    code = "invalid_values"
    status = HTTPStatus.BAD_REQUEST

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)


class InUseError(DomainError):
    """Something can't be deleted, since what is kept refers to it."""

    code = "in_use"
