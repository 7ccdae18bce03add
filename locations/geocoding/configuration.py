"""The geocoders that the settings name, in their order."""

from collections.abc import Sequence

from django.conf import settings

from locations.geocoding import providers  # noqa: F401 (its import registers them)
from locations.geocoding.client import Geocoder
from locations.geocoding.errors import NoGeocoderError
from locations.geocoding.provider import PROVIDERS
from locations.geocoding.turns import parse_rates


class SettingError(ValueError):
    """A setting of the geocoders that can't be used; the message never holds a key."""


def configured() -> list[Geocoder]:
    """Return the geocoders to ask, first the one to ask first. Raises NoGeocoderError."""
    try:
        geocoders = parse_geocoders()
    except SettingError:
        raise NoGeocoderError(
            "Addresses can't be searched: the settings of the geocoders are wrong."
        ) from None
    if not geocoders:
        raise NoGeocoderError("Addresses can't be searched: no geocoder is configured.")
    return geocoders


def parse_geocoders() -> list[Geocoder]:
    """Read the settings GEOCODER…. Raises SettingError."""
    urls = _by_provider("GEOCODER_URLS")
    keys = _by_provider("GEOCODER_KEYS")
    rates = _by_provider("GEOCODER_RATES")
    return [_geocoder(code, urls, keys, rates) for code in _codes(settings.GEOCODERS)]


def _geocoder(code: str, urls: dict[str, str], keys: dict[str, str], rates: dict[str, str]) -> Geocoder:
    provider = PROVIDERS[code]
    url, key = urls.get(code, provider.url), keys.get(code, "")
    if not url.startswith(("http://", "https://")):
        raise SettingError(f"GEOCODER_URLS: that of {code} begins with neither https:// nor http://")
    if provider.needs_key and not key:
        raise SettingError(f"GEOCODER_KEYS: {code} needs a key")
    try:
        kept = parse_rates(rates.get(code, provider.rates))
    except ValueError as error:
        raise SettingError(f"GEOCODER_RATES: {error}") from None
    return Geocoder(provider, url, key, kept, settings.GEOCODER_TIMEOUT_S, settings.GEOCODER_USER_AGENT)


def _codes(codes: Sequence[str]) -> list[str]:
    known = ", ".join(sorted(PROVIDERS))
    stripped = [code.strip() for code in codes if code.strip()]
    if not PROVIDERS.keys() >= set(stripped):
        raise SettingError(f"GEOCODERS: only {known} are known")
    return list(dict.fromkeys(stripped))


def _by_provider(name: str) -> dict[str, str]:
    """Entries such as `nominatim=https://…`."""
    found: dict[str, str] = {}
    for position, entry in enumerate(getattr(settings, name), start=1):
        code, _, value = entry.strip().partition("=")
        if code not in PROVIDERS or not value:
            raise SettingError(
                f"{name}: entry {position} is not of the form provider=value, of {', '.join(sorted(PROVIDERS))}"
            )
        found[code] = value.strip()
    return found
