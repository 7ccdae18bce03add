from django.urls import path

from trackers.api import locations, views

urlpatterns = [
    path("locations/", locations.LocationsView.as_view(), name="locations"),
    path("locations/<int:pk>/", locations.LocationView.as_view(), name="location"),
    path("trackers/", views.TrackersView.as_view(), name="trackers"),
    path("trackers.geojson", views.TrackersGeoJsonView.as_view(), name="trackers-geojson"),
    path("trackers/<str:mac>/", views.TrackerView.as_view(), name="tracker"),
    path("trackers/<str:mac>/reports/", views.TrackerReportsView.as_view(), name="tracker-reports"),
    path("trackers/<str:mac>/events/", views.TrackerEventsView.as_view(), name="tracker-events"),
    path("trackers/<str:mac>/history/", views.TrackerHistoryView.as_view(), name="tracker-history"),
    path("trackers/<str:mac>/track.geojson", views.TrackView.as_view(), name="tracker-track"),
    path("reports/", views.ReportsView.as_view(), name="reports"),
    path("events/", views.EventsView.as_view(), name="events"),
    path("history/", views.HistoryView.as_view(), name="history"),
]
