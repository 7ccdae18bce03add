"""The admin of apps that are not ours: in our look, or left out where ops have no use for it.

Importing their admins first registers them, so that they can be replaced here.
"""

from django.contrib import admin
from django_celery_beat import admin as beat_admin
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from knox import admin as knox_admin
from knox.models import AuthToken
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from foundation.admin.base import GlimpseAdmin

for _model in (ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule, AuthToken):
    admin.site.unregister(_model)


class TaskSelectWidget(UnfoldAdminSelectWidget, beat_admin.TaskSelectWidget):
    """The tasks that the workers know, in the theme's look."""


class PeriodicTaskForm(beat_admin.PeriodicTaskForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskSelectWidget()


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(GlimpseAdmin, beat_admin.PeriodicTaskAdmin):
    form = PeriodicTaskForm
    empty_hint = "Schedules are made by the migrations."
    list_display = ("name", "enabled", "interval", "crontab", "last_run_at")
    list_filter = ("enabled",)
    date_hierarchy = None
    ordering = ("name",)
    change_form_template = None


@admin.register(IntervalSchedule)
class IntervalScheduleAdmin(GlimpseAdmin):
    list_display = ("every", "period")


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(GlimpseAdmin, beat_admin.CrontabScheduleAdmin):
    ordering = ("pk",)


@admin.register(AuthToken)
class AuthTokenAdmin(GlimpseAdmin, knox_admin.AuthTokenAdmin):
    """Adding one shows the token once; only its hash is kept. Deleting one revokes it."""

    empty_hint = "A token lets a program use the API as the user. It is shown once, when it is added."
    list_display = ("token_key", "user", "created", "expiry")
    list_select_related = ("user",)
    search_fields = ("token_key", "user__username")
    readonly_fields = ("token_key", "created")
    ordering = ("-created",)

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        return False
