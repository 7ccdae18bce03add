"""The form of a location: its fence as numbers and GeoJSON, which the map in the page keeps in step."""

import json
from typing import Any

from django import forms
from django.contrib.gis.gdal import GDALException
from django.contrib.gis.geos import GEOSException, GEOSGeometry, Point, Polygon
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextareaWidget

from locations.models import MAX_RADIUS_M, Location


class CoordinateField(forms.FloatField):
    def __init__(self, limit: int, **options: Any) -> None:
        widget = UnfoldAdminDecimalFieldWidget(attrs={"step": "any", "min": -limit, "max": limit})
        super().__init__(min_value=-limit, max_value=limit, widget=widget, **options)


class LocationForm(forms.ModelForm):
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

    def clean_radius_m(self) -> float:
        radius_m = self.cleaned_data["radius_m"]
        if not 0 < radius_m <= MAX_RADIUS_M:
            raise forms.ValidationError(f"Between 1 and {MAX_RADIUS_M} metres.")
        return radius_m

    def clean_area(self) -> Polygon | None:
        text = self.cleaned_data["area"].strip()
        if not text:
            return None
        try:
            area = GEOSGeometry(json.dumps(json.loads(text)))
        except (ValueError, GEOSException, GDALException):
            raise forms.ValidationError("This is not a GeoJSON polygon.") from None
        if not isinstance(area, Polygon) or area.empty:
            raise forms.ValidationError("The area must be one polygon.")
        west, south, east, north = area.extent
        if west < -180 or south < -90 or east > 180 or north > 90:
            raise forms.ValidationError("Longitudes go from -180 to 180, latitudes from -90 to 90.")
        if not area.valid:
            raise forms.ValidationError(f"The polygon crosses itself: {area.valid_reason}.")
        area.srid = 4326
        return area

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        begins, ends = cleaned.get("active_from"), cleaned.get("active_until")
        if begins and ends and ends <= begins:
            self.add_error("active_until", "Must be later than the beginning.")
        if "lat" in cleaned and "lon" in cleaned and {"lat", "lon"}.intersection(self.changed_data):
            self.instance.center = Point(cleaned["lon"], cleaned["lat"], srid=4326)
        if "area" in cleaned and "area" in self.changed_data:
            self.instance.area = cleaned["area"]
        self._keep_fractions(cleaned)
        return cleaned

    def _keep_fractions(self, cleaned: dict[str, Any]) -> None:
        """The inputs show whole seconds: a moment that nobody changed must not lose its fraction."""
        for name in ("active_from", "active_until"):
            stored = self.initial.get(name)
            if stored and cleaned.get(name) == stored.replace(microsecond=0):
                cleaned[name] = stored
