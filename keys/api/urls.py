"""The manufacturers' part of the API."""

from django.urls import path

from keys.api import views

urlpatterns = [
    path("manufacturer/batches/", views.BatchesView.as_view(), name="manufacturer-batches"),
    path("manufacturer/batches/<int:pk>/", views.BatchView.as_view(), name="manufacturer-batch"),
    path(
        "manufacturer/batches/<int:pk>/exports/",
        views.BatchExportsView.as_view(),
        name="manufacturer-batch-exports",
    ),
    path("manufacturer/exports/<int:pk>/", views.ExportView.as_view(), name="manufacturer-export"),
    path(
        "manufacturer/exports/<int:pk>/file/",
        views.ExportFileView.as_view(),
        name="manufacturer-export-file",
    ),
    path(
        "manufacturer/exports/<int:pk>/acknowledge/",
        views.AcknowledgementView.as_view(),
        name="manufacturer-export-acknowledge",
    ),
]
