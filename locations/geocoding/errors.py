"""Why an address was not found: errors for people, and those of one geocoder, which the next one makes good."""

from http import HTTPStatus

from foundation.errors import DomainError

BY_HAND = "Type latitude and longitude, or click the map."


class AddressSearchError(DomainError):
    """No address can be searched; coordinates can be entered by hand all the same."""

    code = "address_search_failed"
    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, message: str) -> None:
        super().__init__(f"{message} {BY_HAND}")


class NoGeocoderError(AddressSearchError):
    """None is configured, or the settings can't be read."""

    code = "no_geocoder"


class BadAddressError(DomainError):
    """The text can't be an address."""

    code = "bad_address"
    status = HTTPStatus.BAD_REQUEST


class GeocoderError(Exception):
    """One geocoder has failed. rest_s: how long not to ask it again. The text never holds a key."""

    rest_s: float = 0


class BusyError(GeocoderError):
    """Our own limit for it is used up."""


class UnreachableError(GeocoderError):
    """It does not answer in time, or says that it has failed (5xx)."""

    rest_s = 30


class RefusedError(GeocoderError):
    """It does not let us: a wrong key, a used up quota, a blocked address (4xx)."""

    rest_s: float = 60


class ThrottledError(RefusedError):
    """We ask too often (429), and it may say for how long to wait."""

    LONGEST_REST_S = 3600

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        if retry_after_s is not None:
            self.rest_s = max(1, min(retry_after_s, self.LONGEST_REST_S))


class MalformedError(GeocoderError):
    """Its answer can't be read."""
