from django.urls import path

from trackers.api.alerts import views

urlpatterns = [
    path("alerts/", views.AlertsView.as_view(), name="alerts"),
    path("alerts/<int:pk>/", views.AlertView.as_view(), name="alert"),
]
