"""The base of all domain errors; it lives in the lowest layer so that every app can raise it."""

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
