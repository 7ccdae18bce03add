from django.urls import path

from keys.api.device_imports import views

urlpatterns = [
    path("device-imports/", views.DeviceImportsView.as_view(), name="device-imports"),
    path("device-imports/<int:pk>/", views.DeviceImportView.as_view(), name="device-import"),
    path(
        "device-imports/<int:pk>/confirm/",
        views.DeviceImportConfirmView.as_view(),
        name="device-import-confirm",
    ),
    path(
        "device-imports/<int:pk>/rejects.csv",
        views.DeviceImportRejectsView.as_view(),
        name="device-import-rejects",
    ),
]
