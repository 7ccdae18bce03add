"""Who may ask a geocoder: people at a form, never the way of a report."""

from tests.test_architecture import imported_modules, modules

ALLOWED = {"locations/admin/addresses.py", "locations/checks.py"}


def test_only_the_address_box_reaches_the_geocoders() -> None:
    reaching = {
        str(module.place)
        for module in modules()
        if module.place.parts[:2] != ("locations", "geocoding")
        and any(name.startswith("locations.geocoding") for name in imported_modules(module.tree))
    }
    assert reaching == ALLOWED
