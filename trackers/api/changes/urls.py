from django.urls import path

from trackers.api.changes import views

urlpatterns = [path("changes/", views.ChangesView.as_view(), name="changes")]
