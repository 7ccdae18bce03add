from django.apps import AppConfig


class LocationsConfig(AppConfig):
    """Locations, their fences, the basemap and address search; registers the checks of its settings."""

    name = "locations"

    def ready(self) -> None:
        import locations.checks  # noqa: F401, PLC0415
