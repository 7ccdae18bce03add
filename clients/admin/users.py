"""People and what they may do."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from clients.admin.clients import MembershipInline
from clients.models import User
from foundation.admin.base import GlimpseAdmin, ReadOnlyAdmin
from foundation.admin.served import ServesInlines


@admin.register(User)
class UserAdmin(ServesInlines, BaseUserAdmin, GlimpseAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    ordering = ("username",)

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        return [MembershipInline] if obj else []


class GroupAdmin(BaseGroupAdmin, GlimpseAdmin):
    empty_hint = "A group gives the same permissions to several staff members."
    list_display = ("name",)
    ordering = ("name",)


admin.site.unregister(Group)
admin.site.register(Group, GroupAdmin)


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """Who changed what in the admin."""

    empty_hint = "What staff change in the admin is written down here."
    list_display = ("action_time", "user", "content_type", "object_repr", "summary")
    list_filter = ("action_flag",)
    list_select_related = ("user", "content_type")
    search_fields = ("object_repr", "user__username")

    @admin.display(description="change")
    def summary(self, entry: LogEntry) -> str:
        return entry.get_change_message() or entry.get_action_flag_display()

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogEntry]:
        return super().get_queryset(request).select_related("user", "content_type")
