"""All routes."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config.health import health
from foundation.admin.audit_views import audit_log

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/audit/", admin.site.admin_view(audit_log), name="audit-log"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("config.api")),
    path("health/", health),
    path("basemap/", include("locations.basemap.urls")),
]

handler500 = "foundation.api.problems.server_error"
