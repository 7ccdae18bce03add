from django.urls import path

from locations.api import views

urlpatterns = [
    path("locations.geojson", views.LocationsGeoJsonView.as_view(), name="locations-geojson"),
]
