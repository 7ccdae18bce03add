"""Every change of an audited row is kept, with who did it, whichever way it was written."""

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection, transaction
from django.test import Client as Browser
from django.urls import reverse
from pghistory.models import Event

from clients.models import Client
from foundation import audit, bulk
from tests.factories import ClientFactory, LocationFactory, RunFactory, StaffFactory, TrackerFactory
from tests.test_architecture import LAYERS
from trackers.models import Tracker

pytestmark = pytest.mark.django_db

SECRET_COLUMNS = {"password", "sealed_data_key", "sealed_private_key"}


def labels(row: object) -> list[str]:
    return list(row.audit.order_by("pgh_id").values_list("pgh_label", flat=True))


def test_saves_bulk_updates_and_plain_sql_are_kept() -> None:
    client = ClientFactory.create(name="First")
    client.name = "Second"
    client.save()
    Client.objects.filter(pk=client.pk).update(name="Third")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE clients_client SET name = 'Fourth' WHERE id = %s", [client.pk])
    assert list(client.audit.order_by("pgh_id").values_list("pgh_label", "name")) == [
        ("insert", "First"),
        ("update", "Second"),
        ("update", "Third"),
        ("update", "Fourth"),
    ]


def test_deleted_row_stays_in_the_audit() -> None:
    client = ClientFactory.create()
    pk = client.pk
    client.delete()
    kept = Client.audit.field.model.objects.filter(pgh_obj_id=pk)
    assert set(kept.values_list("pgh_label", flat=True)) == {"insert", "delete"}


def test_actor_and_reason_are_kept_also_by_bulk_sql() -> None:
    actor = StaffFactory.create()
    tracker = TrackerFactory.create()
    with transaction.atomic(), audit.acting(actor, reason="broken"):
        bulk.execute("UPDATE trackers_tracker SET state = 'RETIRED' WHERE id = %(id)s", {"id": tracker.pk})
    assert tracker.audit.latest("pgh_id").pgh_context == {"user": actor.pk, "reason": "broken"}


def test_request_names_its_user(client: Browser) -> None:
    actor = StaffFactory.create(is_superuser=True)
    client.force_login(actor)
    client.post(reverse("admin:clients_brand_add"), {"client": ClientFactory.create().pk, "name": "Fresh"})
    context = apps.get_model("clients", "BrandAudit").objects.get(name="Fresh").pgh_context
    assert context["user"] == actor.pk


def test_audit_of_a_tracker_ignores_what_reports_change() -> None:
    tracker = TrackerFactory.create()
    Tracker.objects.filter(pk=tracker.pk).update(battery="LOW")
    assert labels(tracker) == ["insert"]
    Tracker.objects.filter(pk=tracker.pk).update(state=Tracker.State.LOST)
    assert labels(tracker) == ["insert", "update"]


def test_runs_of_a_location_are_audited() -> None:
    location, run = LocationFactory.create(), RunFactory.create()
    location.runs.add(run)
    location.runs.remove(run)
    rows = apps.get_model("locations", "LocationRunAudit").objects.filter(
        location=location, productionrun=run
    )
    assert list(rows.order_by("pgh_id").values_list("pgh_label", flat=True)) == ["insert", "delete"]


def test_audit_is_append_only() -> None:
    client = ClientFactory.create()
    with pytest.raises(ProgrammingError), transaction.atomic():
        client.audit.update(name="forged")
    with pytest.raises(ProgrammingError), transaction.atomic():
        client.audit.all().delete()


def test_no_audit_table_has_a_secret() -> None:
    tables = [model for model in apps.get_models() if issubclass(model, Event)]
    assert len(tables) >= 12
    for model in tables:
        assert not SECRET_COLUMNS & {field.name for field in model._meta.fields}, model


def test_no_table_of_ours_counts_in_32_bits() -> None:
    """An audit table has an id for each change of each row."""
    tables = {
        model._meta.db_table
        for model in apps.get_models()
        if model._meta.app_label in LAYERS and model._meta.managed
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type IN ('integer', 'smallint')"
            " AND (is_identity = 'YES' OR column_default LIKE 'nextval%')"
        )
        narrow = [(table, column) for table, column in cursor.fetchall() if table in tables]
    assert len(tables) > 30
    assert not narrow
