"""The form of a location: its fence as numbers and GeoJSON, which the map in the page keeps in step."""

import json
from typing import Any

from django import forms
from django.contrib.gis.gdal import GDALException
from django.contrib.gis.geos import GEOSException, GEOSGeometry, Point
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextareaWidget

from foundation.admin.served import ServedForm, Values
from locations.models import Location
from locations.services import locations


class CoordinateField(forms.FloatField):
    def __init__(self, limit: int, **options: Any) -> None:
        widget = UnfoldAdminDecimalFieldWidget(attrs={"step": "any", "min": -limit, "max": limit})
        super().__init__(min_value=-limit, max_value=limit, widget=widget, **options)


class LocationForm(ServedForm):
    shown_at = {"center": "lat"}
    lat = CoordinateField(90, label="Latitude", help_text="Of the centre, in degrees.")
    lon = CoordinateField(180, label="Longitude", help_text="Of the centre, in degrees.")
    area = forms.CharField(
        label="Area",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="A GeoJSON polygon, which counts instead of the circle. Draw it on the map or paste it here.",
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
            self.initial["area"] = location.area.geojson

    def clean_area(self) -> Any:
        text = self.cleaned_data["area"].strip()
        if not text:
            return None
        try:
            area = GEOSGeometry(json.dumps(json.loads(text)))
        except (ValueError, GEOSException, GDALException):
            raise forms.ValidationError("This is not a GeoJSON polygon.") from None
        area.srid = 4326
        return area

    def clean(self) -> Values:
        """The inputs show whole seconds: a moment that nobody changed must not lose its fraction."""
        for name in ("active_from", "active_until"):
            stored = self.initial.get(name)
            if stored and self.cleaned_data.get(name) == stored.replace(microsecond=0):
                self.cleaned_data[name] = stored
        return super().clean()

    def refuse_invalid(self, stored: Location | None, values: Values) -> None:
        locations.refuse_invalid(stored, values)

    def all_values(self) -> Values:
        held = super().all_values()
        lat, lon = held.pop("lat", None), held.pop("lon", None)
        if lat is not None and lon is not None:
            held["center"] = Point(lon, lat, srid=4326)
        return held

    def fields_of(self, name: str) -> set[str]:
        return {"lat", "lon"} if name == "center" else {name}
