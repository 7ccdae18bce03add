"""The form of a location: its fence as numbers and GeoJSON, which the map in the page keeps in step."""

from typing import Any

from django import forms
from django.contrib.gis.geos import Point
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextareaWidget

from clients.models import ProductionRun
from foundation.admin.served import ServedForm, Values
from foundation.errors import InvalidValuesError
from locations import fences, geojson
from locations.areas.globe import MAX_CENTRE_LONGITUDE
from locations.fences import Fence
from locations.models import DEFAULT_RADIUS_M, Location
from locations.services import locations


class CoordinateField(forms.FloatField):
    def __init__(self, limit: float, **options: Any) -> None:
        widget = UnfoldAdminDecimalFieldWidget(attrs={"step": "any", "min": -limit, "max": limit})
        super().__init__(min_value=-limit, max_value=limit, widget=widget, required=False, **options)


class DrawnFenceForm(forms.Form):
    """What the editor asks about while a fence is drawn."""

    lat = CoordinateField(90)
    lon = CoordinateField(MAX_CENTRE_LONGITUDE)
    radius_m = forms.FloatField(required=False)
    area = forms.CharField(required=False)
    runs = forms.ModelMultipleChoiceField(ProductionRun.objects.all(), required=False)

    @property
    def radius(self) -> float:
        radius_m = self.cleaned_data["radius_m"]
        return DEFAULT_RADIUS_M if radius_m is None else radius_m

    def settle(self) -> Fence:
        """The fence that would be stored. Raises InvalidFenceError."""
        lat, lon = self.cleaned_data["lat"], self.cleaned_data["lon"]
        center = Point(lon, lat, srid=4326) if lat is not None and lon is not None else None
        area = self.cleaned_data["area"].strip() or None
        return fences.settle(center=center, radius_m=self.radius, area=area)


class LocationForm(ServedForm):
    shown_at = {"center": "lat"}
    lat = CoordinateField(90, label="Latitude", help_text="Of the centre, in degrees.")
    lon = CoordinateField(
        MAX_CENTRE_LONGITUDE,
        label="Longitude",
        help_text="Of the centre, in degrees. An area has its own centre.",
    )
    area = forms.CharField(
        label="Area",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=(
            "A GeoJSON polygon, which counts instead of the circle: draw it on the map or paste it here, also as a"
            " Feature. Longitude comes first. It may cross the date line."
        ),
    )

    class Meta:
        model = Location
        fields = ("name", "kind", "address", "radius_m", "runs", "active_from", "active_until", "free_time_h")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        location = self.instance
        if location.center:
            self.initial["lon"], self.initial["lat"] = (round(x, 7) for x in location.center.coords)
        if location.area:
            self.initial["area"] = geojson.drawn_text(location.area)

    def clean_area(self) -> str | None:
        return self.cleaned_data["area"].strip() or None

    def clean(self) -> Values:
        """The inputs show whole seconds: a moment that nobody changed must not lose its fraction."""
        for name in ("active_from", "active_until"):
            stored = self.initial.get(name)
            if stored and self.cleaned_data.get(name) == stored.replace(microsecond=0):
                self.cleaned_data[name] = stored
        missing = [name for name in ("lat", "lon") if self.cleaned_data.get(name) is None]
        if len(missing) == 1 and not {"lat", "lon"} & self.errors.keys():
            self.add_error(missing[0], "Give latitude and longitude, or neither for an area.")
        return super().clean()

    def refuse_invalid(self, stored: Location | None, values: Values) -> None:
        """Whether a large area is meant is asked between the form and the save. The form holds the area as it is
        stored."""
        text = self.cleaned_data.pop("area", None)
        try:
            found = locations.settled(stored, values | {"confirm_large": True})
            self.cleaned_data["area"] = found["area"] if text else None
        except InvalidValuesError as error:
            at_center = {"lat", "lon"} & self.errors.keys()
            said = {name: text for name, text in error.fields.items() if name != "center" or not at_center}
            if said:
                raise InvalidValuesError(said) from error

    def all_values(self) -> Values:
        held = super().all_values()
        lat, lon = held.pop("lat", None), held.pop("lon", None)
        has_center = lat is not None and lon is not None
        return held | {"center": Point(lon, lat, srid=4326) if has_center else None}

    def values(self) -> Values:
        held = super().values()
        return held | {"confirm_large": True} if held.get("area") else held

    def fields_of(self, name: str) -> set[str]:
        return {"lat", "lon"} if name == "center" else {name}
