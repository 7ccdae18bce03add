"""What a manufacturer's program does: find its batches, fetch an export, check it, acknowledge it."""

import base64
import hashlib

import pytest
from django.core.cache import cache
from rest_framework.settings import api_settings

from keys.api.throttles import ManufacturerRate
from keys.exports.formats import FORMATS
from keys.models import KeyBatch, ManufacturerExport
from tests import factories

BASE = "/api/v1/manufacturer"


@pytest.fixture
def maker(as_persona):
    return as_persona("manufacturer")


def exports_url(world) -> str:
    return f"{BASE}/batches/{world.maker.batch.pk}/exports/"


@pytest.mark.parametrize("code", FORMATS)
def test_export_is_made_fetched_checked_and_acknowledged(world, maker, code):
    made = maker.post(exports_url(world), {"format": code})
    assert made.status_code == 201
    export = made.json()
    assert (export["format"], export["keys"], export["acknowledged_at"]) == (code, 2, None)
    answer = maker.get(f"{BASE}/exports/{export['id']}/file/")
    content = answer.getvalue()
    assert hashlib.sha256(content).hexdigest() == export["sha256"]
    assert answer["Content-Length"] == str(len(content)) == str(export["size_bytes"])
    assert answer["Content-Type"] == FORMATS[code].media_type
    assert answer["Content-Disposition"].startswith('attachment; filename="key-batch-')
    digest = base64.b64decode(answer["Repr-Digest"].removeprefix("sha-256=:").removesuffix(":"))
    assert digest.hex() == export["sha256"]
    acknowledge = f"{BASE}/exports/{export['id']}/acknowledge/"
    first, second = (maker.post(acknowledge, {"sha256": export["sha256"]}).json() for _ in range(2))
    assert first["acknowledged_at"] is not None
    assert second == first


def test_wrong_checksum_is_a_problem_that_says_what_to_do(world, maker):
    answer = maker.post(f"{BASE}/exports/{world.maker.export.pk}/acknowledge/", {"sha256": "0" * 64})
    assert (answer.status_code, answer.json()["code"]) == (409, "checksum_mismatch")
    assert "Download it again" in answer.json()["detail"]


@pytest.mark.parametrize("body", [{}, {"sha256": "abc"}, {"sha256": None}, {"sha256": ["a"]}, []])
def test_rubbish_for_a_checksum_is_refused(world, maker, body):
    answer = maker.post(f"{BASE}/exports/{world.maker.export.pk}/acknowledge/", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


@pytest.mark.parametrize("body", [{}, {"format": "exe"}, {"format": ""}, {"format": {"a": 1}}])
def test_unknown_format_is_refused(world, maker, body):
    answer = maker.post(exports_url(world), body, format="json")
    assert answer.status_code == 400
    assert "format" in answer.json()["errors"]


@pytest.mark.parametrize("state", ["QUEUED", "GENERATING", "CANCELLED"])
def test_batch_that_is_not_ready_is_not_there(world, maker, state):
    KeyBatch.objects.filter(pk=world.maker.batch.pk).update(state=state)
    assert maker.get(f"{BASE}/batches/").json()["results"] == []
    for path in (f"{BASE}/batches/{world.maker.batch.pk}/", exports_url(world)):
        assert maker.get(path).status_code == 404
    assert maker.post(exports_url(world), {"format": "csv"}).status_code == 404
    assert maker.get(f"{BASE}/exports/{world.maker.export.pk}/").status_code == 404


def test_foreign_batch_is_neither_exported_nor_acknowledged(world, as_persona):
    other = as_persona("other_manufacturer")
    before = ManufacturerExport.objects.count()
    assert other.post(exports_url(world), {"format": "csv"}).status_code == 404
    acknowledge = f"{BASE}/exports/{world.maker.export.pk}/acknowledge/"
    assert other.post(acknowledge, {"sha256": world.maker.export.sha256}).status_code == 404
    assert ManufacturerExport.objects.count() == before
    assert not ManufacturerExport.objects.exclude(acknowledged_at=None).exists()


def test_member_of_a_client_may_not_export(world, as_persona):
    for persona in ("manager", "staff"):
        answer = as_persona(persona).post(exports_url(world), {"format": "csv"})
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
        assert "your user works for none" in answer.json()["detail"]


def test_who_left_the_manufacturer_sees_nothing_any_more(world, maker):
    world.maker.batch.manufacturer.users.clear()
    assert maker.get(f"{BASE}/batches/").status_code == 403


def test_audit_names_the_manufacturers_user(world, maker):
    made = maker.post(exports_url(world), {"format": "raw"}).json()
    maker.post(f"{BASE}/exports/{made['id']}/acknowledge/", {"sha256": made["sha256"]})
    export = ManufacturerExport.objects.get(pk=made["id"])
    assert export.created_by == export.acknowledged_by == world.maker.user
    contexts = export.audit.order_by("pgh_id").values_list("pgh_label", "pgh_context__user")
    assert list(contexts) == [("insert", world.maker.user.pk), ("update", world.maker.user.pk)]


def test_file_is_given_whatever_type_is_asked_for(world, maker):
    url = f"{BASE}/exports/{world.maker.export.pk}/file/"
    for accepted in ("*/*", "text/csv", "application/octet-stream"):
        assert maker.get(url, HTTP_ACCEPT=accepted).status_code == 200


def test_manufacturers_have_a_limit_of_their_own(world, maker, monkeypatch):
    cache.clear()
    monkeypatch.setattr(
        ManufacturerRate, "THROTTLE_RATES", api_settings.DEFAULT_THROTTLE_RATES | {"manufacturer": "2/min"}
    )
    answers = [maker.get(f"{BASE}/batches/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "throttled"
    assert int(answers[2]["Retry-After"]) > 0


def test_number_of_queries_does_not_grow_with_the_batches(world, maker, django_assert_num_queries):
    with_token_and_permission, count_and_rows = 3, 2
    for _ in range(2):
        with django_assert_num_queries(with_token_and_permission + count_and_rows):
            assert maker.get(f"{BASE}/batches/").status_code == 200
        factories.KeyBatchFactory.create_batch(5, manufacturer=world.maker.batch.manufacturer)
