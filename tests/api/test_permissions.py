"""Every endpoint against every persona. An endpoint that is not in the table fails the tests."""

from datetime import timedelta
from typing import NamedTuple

import pytest
from django.db.models import F
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from foundation.api.scoping import TenantScoped
from foundation.tenancy import TenantQuerySet
from tests.personas import PERSONAS

MAC = "a1a1a1000001"


class Row(NamedTuple):
    """The statuses that an endpoint answers; `{…}` in its path is filled from Alpha's world."""

    path: str
    viewer: int
    manager: int
    other_client: int
    staff: int
    anonymous: int
    inactive: int
    method: str = "get"
    scoped: bool = True
    # None: as for another client, since a manufacturer's user belongs to no client.
    manufacturer: int | None = None
    other_manufacturer: int | None = None
    # What the endpoint takes beside reading; who may, is tried where the writing is.
    writes: tuple[str, ...] = ()

    def status(self, persona: str) -> int:
        given: int | None = getattr(self, persona)
        return self.other_client if given is None else given

    @property
    def for_makers(self) -> bool:
        return self.scoped and self.manufacturer is not None


def listed(path: str) -> Row:
    """Everybody who is signed in gets a list, of their own things."""
    return Row(path, 200, 200, 200, 200, 401, 401)


def own(path: str) -> Row:
    """Alpha's: it does not exist for another client."""
    return Row(path, 200, 200, 404, 200, 401, 401)


def made(path: str, *, other: int = 404, method: str = "get", writes: tuple[str, ...] = ()) -> Row:
    """The Alpha manufacturer's: clients and staff are refused."""
    refused = (403, 403, 403, 403, 401, 401)
    return Row(path, *refused, method, manufacturer=200, other_manufacturer=other, writes=writes)


def of_senders(path: str, status: int, method: str = "get") -> Row:
    """Staff and manufacturers send devices; what they get without any, and clients are refused."""
    makers = {"manufacturer": status, "other_manufacturer": status}
    return Row(path, 403, 403, 403, status, 401, 401, method, scoped=False, **makers)


TABLE = {
    "login": Row("auth/login/", 400, 400, 400, 400, 400, 400, "post", scoped=False),
    "logout": Row("auth/logout/", 204, 204, 204, 204, 401, 401, "post", scoped=False),
    "logout-all": Row("auth/logout-all/", 204, 204, 204, 204, 401, 401, "post", scoped=False),
    "me": Row("me/", 200, 200, 200, 200, 401, 401, scoped=False),
    "clients": listed("clients/"),
    "client": own("clients/{client}/"),
    "brands": listed("brands/"),
    "brand": own("brands/{brand}/"),
    "runs": listed("runs/"),
    "run": own("runs/{run}/"),
    "locations": listed("locations/")._replace(writes=("post",)),
    "location": own("locations/{location}/")._replace(writes=("patch",)),
    "locations-geojson": listed("locations.geojson"),
    "trackers": listed("trackers/"),
    "trackers-geojson": listed("trackers.geojson"),
    "tracker": own("trackers/{mac}/"),
    "tracker-reports": own("trackers/{mac}/reports/"),
    "tracker-events": own("trackers/{mac}/events/"),
    "tracker-history": own("trackers/{mac}/history/"),
    "tracker-track": own("trackers/{mac}/track.geojson"),
    "reports": listed("reports/?tracker={mac}"),
    "events": listed("events/?tracker={mac}"),
    "history": listed("history/?tracker={mac}"),
    "alerts": listed("alerts/"),
    "alert": own("alerts/{alert}/"),
    "changes": listed("changes/"),
    "manufacturer-batches": made("manufacturer/batches/", other=200),
    "manufacturer-batch": made("manufacturer/batches/{batch}/"),
    "manufacturer-batch-exports": made("manufacturer/batches/{batch}/exports/", writes=("post",)),
    "manufacturer-export": made("manufacturer/exports/{export}/"),
    "manufacturer-export-file": made("manufacturer/exports/{export}/file/"),
    "manufacturer-export-acknowledge": made("manufacturer/exports/{export}/acknowledge/", method="post"),
    "orders": Row("orders/", 200, 200, 200, 200, 401, 401, writes=("post",)),
    "order": own("orders/{order}/"),
    "order-cancel": Row("orders/{order}/cancel/", 403, 200, 404, 403, 401, 401, "post"),
    "order-devices": own("orders/{order}/devices/"),
    "device-imports": of_senders("device-imports/", 411, "post"),
    "device-import": of_senders("device-imports/0/", 404),
    "device-import-confirm": of_senders("device-imports/0/confirm/", 404, "post"),
    "device-import-rejects": of_senders("device-imports/0/rejects.csv", 404),
    "schema": Row("schema/", 200, 200, 200, 200, 200, 401, scoped=False),
    "docs": Row("docs/", 200, 200, 200, 200, 200, 401, scoped=False),
    "unknown": Row("nothing/", 404, 404, 404, 404, 404, 404, scoped=False),
}
# The order's device is in use, as no device of an order is that can still be cancelled: it was taken out before.
PREPARATIONS = {
    "order-cancel": lambda world: world.alpha.order.allocations.update(
        released_at=F("allocated_at") + timedelta(hours=1)
    )
}
BODIES = {"manufacturer-export-acknowledge": lambda world: {"sha256": world.maker.export.sha256}}
SCOPED = [name for name, row in TABLE.items() if row.scoped and row.method == "get" and not row.for_makers]
MADE = [name for name, row in TABLE.items() if row.for_makers]


def api_patterns() -> dict[str, URLPattern]:
    (api,) = (
        each
        for each in get_resolver().url_patterns
        if isinstance(each, URLResolver) and each.app_name == "api"
    )
    return {str(each.name): each for each in flatten(api)}


def flatten(resolver: URLResolver) -> list[URLPattern]:
    found = []
    for each in resolver.url_patterns:
        found += flatten(each) if isinstance(each, URLResolver) else [each]
    return found


def view_class(name: str) -> type:
    return api_patterns()[name].callback.view_class


def fill(world, path: str) -> str:
    run = world.alpha.run
    filled = path.format(
        mac=MAC,
        client=run.brand.client_id,
        brand=run.brand_id,
        run=run.pk,
        location=world.alpha.location.pk,
        batch=world.maker.batch.pk,
        export=world.maker.export.pk,
        order=world.alpha.order.pk,
        alert=world.alpha.alert.pk,
    )
    return f"/api/v1/{filled}"


def call(client: APIClient, world, name: str):
    row = TABLE[name]
    body = BODIES.get(name, lambda world: None)(world)
    return getattr(client, row.method)(fill(world, row.path), body)


def body_of(response) -> str:
    return (response.getvalue() if response.streaming else response.content).decode()


def test_every_endpoint_is_in_the_table():
    assert set(api_patterns()) == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_personas_get_what_the_table_says(world, as_persona, name):
    PREPARATIONS.get(name, lambda world: None)(world)
    answers = {persona: call(as_persona(persona), world, name) for persona in PERSONAS}
    row = TABLE[name]
    assert {persona: each.status_code for persona, each in answers.items()} == {
        persona: row.status(persona) for persona in PERSONAS
    }
    for response in answers.values():
        if response.status_code >= 400:
            assert response["Content-Type"] == "application/problem+json"
            assert response.json()["status"] == response.status_code


@pytest.mark.parametrize("name", SCOPED)
def test_clients_see_their_own_and_nothing_of_another(world, as_persona, name):
    ours = body_of(call(as_persona("viewer"), world, name))
    theirs = body_of(call(as_persona("other_client"), world, name))
    for marker in ("Alpha", "A1:A1:A1:00:00:01"):
        assert marker not in theirs
    for marker in ("Beta", "B2:B2:B2:00:00:02"):
        assert marker not in ours
    assert "Alpha" in ours or "A1:A1:A1:00:00:01" in ours


@pytest.mark.parametrize("name", SCOPED)
def test_manufacturers_see_nothing_of_any_client(world, as_persona, name):
    answer = body_of(call(as_persona("manufacturer"), world, name))
    for marker in ("Alpha", "Beta", "A1:A1:A1:00:00:01", "B2:B2:B2:00:00:02"):
        assert marker not in answer


@pytest.mark.parametrize("name", MADE)
def test_manufacturers_see_their_own_and_nothing_of_another(world, as_persona, name):
    ours = body_of(call(as_persona("manufacturer"), world, name))
    theirs = body_of(call(as_persona("other_manufacturer"), world, name))
    own = ("Alpha", f"K{world.maker.batch.pk}-000000")
    foreign = ("Beta", f"K{world.other_maker.batch.pk}-000000")
    assert any(marker in ours for marker in own)
    assert not any(marker in theirs for marker in own)
    assert not any(marker in ours for marker in foreign)


@pytest.mark.parametrize("name", SCOPED)
def test_viewer_and_manager_read_the_same(world, as_persona, name):
    viewer, manager = (body_of(call(as_persona(each), world, name)) for each in ("viewer", "manager"))
    assert viewer == manager


@pytest.mark.parametrize("name", SCOPED)
def test_staff_see_every_client(world, as_persona, name):
    staff = body_of(call(as_persona("staff"), world, name))
    assert "Alpha" in staff or "A1:A1:A1:00:00:01" in staff
    if "{" not in TABLE[name].path:
        assert "Beta" in staff


@pytest.mark.parametrize("name", SCOPED)
def test_endpoint_shows_nothing_when_nothing_is_visible(world, as_persona, monkeypatch, name):
    """Fails for an endpoint that does not start from `visible_to`: it would still find its rows."""
    staff = as_persona("staff")
    monkeypatch.setattr(TenantQuerySet, "visible_to", lambda queryset, user: queryset.none())
    response = call(staff, world, name)
    if response.status_code == 200:
        answer = response.json()
        assert (answer["features"] if "features" in answer else answer["results"]) == []
    else:
        assert response.status_code == 404


def is_scoped(view: type) -> bool:
    """The view takes its rows from the one place, and does not step around it."""
    return (
        issubclass(view, TenantScoped)
        and view.get_queryset is TenantScoped.get_queryset
        and view.visible is TenantScoped.visible
        and view.queryset is None
    )


@pytest.mark.parametrize("name", TABLE)
def test_views_that_show_tenants_rows_are_scoped(name):
    assert is_scoped(view_class(name)) == TABLE[name].scoped


def test_a_view_that_steps_around_the_scope_is_found():
    class Overrides(TenantScoped):
        def get_queryset(self):
            return None

    class SetsQueryset(TenantScoped):
        queryset = object()

    assert not is_scoped(Overrides)
    assert not is_scoped(SetsQueryset)


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row.method == "get"])
def test_reading_endpoints_refuse_writes(world, as_persona, name):
    row = TABLE[name]
    reader = as_persona("manufacturer" if row.for_makers else "staff")
    for method in {"post", "put", "patch", "delete"} - {*row.writes}:
        response = getattr(reader, method)(fill(world, row.path))
        assert response.status_code == (404 if name == "unknown" else 405)
        assert response["Content-Type"] == "application/problem+json"
