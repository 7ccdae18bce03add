from django.urls import path

from locations.api import views

urlpatterns = [
    path("locations/", views.LocationsView.as_view(), name="locations"),
    path("locations/<int:pk>/", views.LocationView.as_view(), name="location"),
    path("locations.geojson", views.LocationsGeoJsonView.as_view(), name="locations-geojson"),
]
