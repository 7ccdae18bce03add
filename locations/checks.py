"""A geocoder that can't be asked is noticed at the start. Messages never hold a key."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from locations.geocoding.configuration import SettingError, parse_geocoders

LONGEST_TIMEOUT_S = 10


@register()
def check_geocoding(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    try:
        parse_geocoders()
    except SettingError as error:
        hint = "See .env.example. Leave GEOCODERS empty to go without address search."
        messages.append(Error(f"{error}.", hint=hint, id="locations.E001"))
    if not 0 < settings.GEOCODER_TIMEOUT_S <= LONGEST_TIMEOUT_S:
        message = f"GEOCODER_TIMEOUT_S must be above 0 and at most {LONGEST_TIMEOUT_S}."
        messages.append(Error(message, hint="Leave it unset for the default.", id="locations.E002"))
    return messages
