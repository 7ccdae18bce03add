"""What a page can't use of its address, and a form of what is sent to it, is said; nothing is done then."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from foundation.admin import addresses
from keys.models import DeviceImport, KeyBatch
from tests.admin.worlds import World
from tests.factories import BrandFactory, OrderFactory
from tests.keys.device_files import as_csv, devices_of, generate, receive

pytestmark = pytest.mark.django_db


def said(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"]) if answer.context else ""


def pages_of(world: World) -> dict[str, str]:
    """Pages with an address of their own, and what they know."""
    order = OrderFactory(run=world.run)
    device_import = receive(devices_of(generate()))
    return {
        reverse("admin:index"): "none is taken",
        reverse("admin:app_list", args=["trackers"]): "none is taken",
        reverse("audit-log"): "Known: before, kind, who.",
        reverse("admin:trackers_tracker_change", args=[world.trackers[0].pk]): "Known: days, reports_after.",
        reverse("admin:trackers_tracker_lifecycle", args=[world.trackers[0].pk]): "none is taken",
        reverse("admin:trackers_tracker_history", args=[world.trackers[0].pk]): "none is taken",
        reverse("admin:clients_productionrun_analytics", args=[world.run.pk]): "Known: days, periods_after.",
        reverse("admin:orders_order_change", args=[order.pk]): "Known: devices_after.",
        reverse("admin:keys_deviceimport_change", args=[device_import.pk]): "Known: after, show.",
        reverse("admin:keys_deviceimport_do", args=[device_import.pk, "cancel"]): "none is taken",
        reverse("admin:orders_order_add"): "Known: ",
    }


def test_unknown_parameter_is_said_on_the_page(ops: Client, world: World) -> None:
    for url, known in pages_of(world).items():
        answer = ops.get(url, {"nonsense": "1"}, follow=True)
        assert answer.status_code == 200, url
        assert "There is no parameter `nonsense`" in said(answer), url
        assert known in said(answer), url
        assert "The page is shown without it." in said(answer), url
        assert "nonsense" not in said(ops.get(url)), url


@pytest.mark.parametrize(
    ("name", "query", "told"),
    [
        ("trackers_tracker_change", "days=8", "`days=8` can't be used: give one of 1, 7, 30, 90."),
        ("trackers_tracker_change", "days=7&days=30", "`days` is given 2 times"),
        ("trackers_tracker_change", "reports_after=x", "`reports_after=x` can't be used"),
        ("trackers_tracker_change", "day=7", "did you mean `days`?"),
        ("trackers_tracker_change", "days=7", ""),
        ("trackers_tracker_change", "_changelist_filters=status%3DDELIVERED", ""),
        ("clients_productionrun_analytics", "days=1", "give one of 7, 30, 90, 365."),
        ("clients_productionrun_analytics", "periods_after=1~2", "`periods_after=1~2` can't be used"),
    ],
)
def test_value_that_can_not_be_used_is_said(
    ops: Client, world: World, name: str, query: str, told: str
) -> None:
    row = world.trackers[0] if "tracker" in name else world.run
    answer = ops.get(f"{reverse(f'admin:{name}', args=[row.pk])}?{query}")
    assert answer.status_code == 200
    assert told in said(answer) if told else not said(answer)


def test_values_of_the_pages_of_orders_and_imports(ops: Client, world: World) -> None:
    order = reverse("admin:orders_order_change", args=[OrderFactory(run=world.run).pk])
    device_import = reverse("admin:keys_deviceimport_change", args=[receive(devices_of(generate())).pk])
    for url, good, bad in (
        (order, "devices_after=12", "devices_after=x"),
        (device_import, "show=REJECTED&after=3", "show=BAD"),
        (device_import, "show=&after=3", "after=-1"),
        (reverse("audit-log"), "kind=&who=&before=12", "before=x"),
        (reverse("admin:orders_order_add"), f"run={world.run.pk}&quantity=3", "quantty=3"),
    ):
        assert "can't be used" not in said(ops.get(f"{url}?{good}")), good
        assert "no parameter" not in said(ops.get(f"{url}?{good}")), good
        assert bad.partition("=")[0] in said(ops.get(f"{url}?{bad}")), bad


def test_form_with_an_unknown_parameter_in_its_address_does_nothing(ops: Client) -> None:
    content = as_csv(devices_of(generate()))
    url = reverse("admin:keys_deviceimport_add")
    answer = ops.post(f"{url}?dry_run=true", {"file": SimpleUploadedFile("a.csv", content)}, follow=True)
    assert "There is no parameter `dry_run`" in said(answer)
    assert "Nothing was done." in said(answer)
    assert not DeviceImport.objects.exists()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"dry-run": "true"}, "There is no field `dry-run`"),
        ({"batches": "1"}, "did you mean `batch`?"),
        ({"batch": ["", ""]}, "`batch` is there 2 times"),
        ({"second": SimpleUploadedFile("b.csv", b"x")}, "There is no field `second`"),
        ({"batch": SimpleUploadedFile("b.csv", b"x")}, "`batch` is sent as a file"),
    ],
)
def test_upload_with_a_field_that_nothing_reads_is_refused(ops: Client, fields: Any, told: str) -> None:
    content = as_csv(devices_of(generate()))
    url = reverse("admin:keys_deviceimport_add")
    answer = ops.post(url, {"file": SimpleUploadedFile("a.csv", content), **fields})
    assert answer.status_code == 400
    assert told in said(answer)
    assert not DeviceImport.objects.exists()


def test_upload_of_two_files_is_refused(ops: Client) -> None:
    files = [SimpleUploadedFile(name, as_csv(devices_of(generate(name)))) for name in ("a.csv", "b.csv")]
    answer = ops.post(reverse("admin:keys_deviceimport_add"), {"file": files})
    assert "`file` is there 2 times" in said(answer)
    assert not DeviceImport.objects.exists()


def test_step_with_a_field_that_nothing_reads_is_not_taken(ops: Client) -> None:
    device_import = receive(devices_of(generate()), confirmed=False)
    url = reverse("admin:keys_deviceimport_do", args=[device_import.pk, "cancel"])
    answer = ops.post(url, {"confirmed": "1", "reason": "x"})
    assert "There is no field `reason`" in said(answer)
    assert "Nothing was done." in said(answer)
    device_import.refresh_from_db()
    assert device_import.ended_at is None
    ops.post(url, {"confirmed": "1", "action": "cancel", "_selected_action": str(device_import.pk)})
    device_import.refresh_from_db()
    assert device_import.ended_at is not None


def test_row_is_not_saved_by_a_form_with_a_field_that_nothing_reads(ops: Client, world: World) -> None:
    brand = BrandFactory(name="Aurora kids")
    url = reverse("admin:clients_brand_change", args=[brand.pk])
    sent = {"client": str(brand.client_id), "name": "Aurora adults"}
    for more, told in (
        ({"nmae": "x"}, "did you mean `name`?"),
        ({"name": ["A", "B"]}, "`name` is there 2 times"),
        ({"file": SimpleUploadedFile("a.csv", b"x")}, "There is no field `file`"),
    ):
        answer = ops.post(url, sent | more, follow=True)
        assert told in said(answer)
        assert "Nothing was saved." in said(answer)
        brand.refresh_from_db()
        assert brand.name == "Aurora kids"
    ops.post(url, sent | {"_continue": "1"})
    brand.refresh_from_db()
    assert brand.name == "Aurora adults"


def test_data_and_files_refuse_instead(ops: Client) -> None:
    device_import = receive(devices_of(generate()))
    batch = KeyBatch.objects.latest("pk")
    for url in (
        reverse("admin:keys_deviceimport_rejects", args=[device_import.pk]),
        reverse("admin:keys_keybatch_progress", args=[batch.pk]),
    ):
        answer = ops.get(url, {"nonsense": "1"})
        assert (answer.status_code, "nonsense" in answer.content.decode()) == (400, True)
        assert ops.get(url).status_code == 200


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("/health/?verbose=1", "verbose"),
        ("/basemap/style.json?theme=dark&theme=light", "theme"),
        ("/basemap/style.json?Theme=dark", "did you mean `theme`?"),
        ("/basemap/0/0/0.mvt?z=3", "`z`"),
    ],
)
def test_plain_pages_refuse_what_they_do_not_know(client: Client, url: str, named: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert named in answer.json()["detail"]


def test_plain_pages_take_what_they_know(client: Client) -> None:
    assert client.get("/basemap/style.json?theme=dark").status_code == 200
    assert client.get("/basemap/0/0/0.mvt?v=1").status_code in (200, 204)


def test_every_page_of_the_admin_is_known_or_checks_itself(ops: Client, rf: Any, admin_user: Any) -> None:
    (admin_urls,) = (
        each
        for each in get_resolver().url_patterns
        if isinstance(each, URLResolver) and each.app_name == "admin"
    )
    names = {str(pattern.name) for pattern in flatten(admin_urls) if pattern.name}
    assert len(names) > 100
    for name in names:
        request = rf.get("/")
        request.user = admin_user
        request.resolver_match = Match(name)
        page, model_admin = addresses._page_of(request)
        known = addresses._known(page, model_admin)
        assert known is not None or page in addresses._CHECKED, name


class Match:
    app_names = ("admin",)

    def __init__(self, url_name: str) -> None:
        self.url_name = url_name
        self.app_names = ["admin"]


def flatten(resolver: URLResolver) -> list[Any]:
    found: list[Any] = []
    for each in resolver.url_patterns:
        found += flatten(each) if isinstance(each, URLResolver) else [each]
    return found
