"""The admin's sidebar, which follows what staff do."""

from typing import Any

from django.urls import reverse_lazy


def _item(title: str, icon: str, url_name: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{url_name}")}


def _changelist(title: str, icon: str, model: str) -> dict[str, Any]:
    return _item(title, icon, f"{model}_changelist")


def _group(title: str, *items: dict[str, Any], folded: bool = False) -> dict[str, Any]:
    return {"title": title, "separator": True, "collapsible": folded, "items": list(items)}


NAVIGATION = [
    {"items": [_item("Overview", "dashboard", "index")]},
    _group(
        "Fleet",
        _changelist("Trackers", "location_on", "trackers_tracker"),
        _changelist("Alerts", "notification_important", "trackers_alert"),
    ),
    _group(
        "Locations",
        _changelist("Storage", "warehouse", "locations_storagelocation"),
        _changelist("Delivery", "storefront", "locations_deliverylocation"),
    ),
    _group(
        "Clients",
        _changelist("Clients", "domain", "clients_client"),
        _changelist("Brands", "sell", "clients_brand"),
        _changelist("Production runs", "event_upcoming", "clients_productionrun"),
        _changelist("Memberships", "badge", "clients_membership"),
    ),
    _group(
        "Orders",
        _changelist("Orders", "shopping_cart", "orders_order"),
        _changelist("Allocations", "inventory_2", "orders_deviceallocation"),
        _changelist("Order history", "history", "orders_ordertransition"),
    ),
    _group(
        "Keys",
        _changelist("Key batches", "key", "keys_keybatch"),
        _changelist("Exports", "file_export", "keys_manufacturerexport"),
        _changelist("Device imports", "upload_file", "keys_deviceimport"),
        _changelist("Manufacturers", "factory", "keys_manufacturer"),
        _changelist("Key pairs", "vpn_key", "keys_keypair"),
    ),
    _group(
        "Fetching",
        _changelist("Fetch states", "sync", "ingestion_fetchstate"),
        _changelist("Rejected reports", "report", "trackers_rejectedreport"),
        _changelist("Apple accounts", "account_circle", "ingestion_accountstate"),
        _changelist("Account tallies", "bar_chart", "ingestion_accounttally"),
        _changelist("Heartbeats", "ecg_heart", "ingestion_heartbeat"),
    ),
    _group(
        "Events & history",
        _changelist("Events", "bolt", "trackers_geofenceevent"),
        _changelist("Status history", "timeline", "trackers_statuschange"),
        _changelist("Assignments", "assignment", "trackers_assignment"),
        _changelist("Recomputations", "replay", "trackers_recomputationjob"),
        _changelist("Timeline checks", "fact_check", "trackers_timelinecheck"),
        _changelist("Retention", "auto_delete", "trackers_retiredmonth"),
        _changelist("Retention cutoff", "event_busy", "trackers_retentioncutoff"),
    ),
    _group(
        "System",
        _changelist("Users", "person", "clients_user"),
        _changelist("Groups", "group", "auth_group"),
        _changelist("API tokens", "token", "knox_authtoken"),
        _changelist("Facts", "outbox", "outbox_fact"),
        _changelist("Schedules", "schedule", "django_celery_beat_periodictask"),
        _changelist("Intervals", "timer", "django_celery_beat_intervalschedule"),
        _changelist("Crontabs", "calendar_clock", "django_celery_beat_crontabschedule"),
        {"title": "Audit log", "icon": "manage_search", "link": reverse_lazy("audit-log")},
        _changelist("Admin log", "history", "admin_logentry"),
    ),
]
