"""Addresses of the offline basemap; included at /basemap/."""

from django.urls import path

from . import views

app_name = "basemap"
urlpatterns = [
    path("style.json", views.style, name="style"),
    path("<int:z>/<int:x>/<int:y>.mvt", views.tile, name="tile"),
]
