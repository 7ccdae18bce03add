"""No page, answer, log, repr, export or error shows a private key, in whichever way it is written."""

import base64
import io
import logging
import traceback
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib import admin
from django.core import serializers as django_serializers
from django.core.management import call_command
from django.db import connection
from django.forms.models import model_to_dict
from django.test import Client
from django.urls import reverse

from keys import advertisement
from keys.exports.formats import FORMATS
from keys.models import KeyBatch, KeyPair
from keys.services import exporting, generating, rotating, unsealing
from keys.vault import Vault, VaultError, new_master_key
from simulation.devices import stock_devices
from tests.factories import NOW, AdminFactory, ManufacturerFactory, UserFactory
from tests.personas import make_token

pytestmark = pytest.mark.django_db
DEVICES, KEYS_PER_DEVICE = 3, 2


class Secrets:
    """Private keys, and every way in which one is likely to be written."""

    def __init__(self) -> None:
        self.scalars: list[bytes] = []

    def forms(self) -> Iterator[bytes]:
        for scalar in self.scalars:
            yield scalar
            encoded = base64.b64encode(scalar)
            yield encoded.rstrip(b"=")
            yield base64.urlsafe_b64encode(scalar).rstrip(b"=")
            yield scalar.hex().encode()
            yield scalar.hex(":").encode()
            yield scalar.hex(",").replace(",", ",0x").encode()
            yield str(int.from_bytes(scalar, "big")).encode()
            yield repr(scalar)[2:-1].encode()
            yield str(list(scalar))[1:-1].encode()

    def assert_not_in(self, shown: bytes | str, where: str) -> None:
        content = shown.encode(errors="surrogateescape") if isinstance(shown, str) else shown
        for lowered in (content, content.lower()):
            for form in self.forms():
                assert form not in lowered, f"{where} shows a private key"


@pytest.fixture
def secrets(monkeypatch) -> Secrets:
    """Remembers each private key that is drawn."""
    remembered = Secrets()
    generate_key_pair = advertisement.generate_key_pair

    def remember():
        pair = generate_key_pair()
        remembered.scalars.append(pair.private_key)
        return pair

    monkeypatch.setattr(generating.advertisement, "generate_key_pair", remember)
    return remembered


@pytest.fixture
def logs(caplog) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


@pytest.fixture
def batch(secrets, logs) -> KeyBatch:
    """Two of three devices are registered; every way that a batch goes has been gone."""
    manufacturer = ManufacturerFactory(users=[UserFactory(username="maker")])
    made = generating.create_batch(
        label="Known",
        devices=DEVICES,
        keys_per_device=KEYS_PER_DEVICE,
        actor=None,
        now=NOW,
        manufacturer=manufacturer,
    )
    generating.cancel_batch(batch=made, actor=None)
    made = generating.resume_batch(batch=made, actor=None)
    while generating.continue_batch(batch=made, now=NOW):
        pass
    made.refresh_from_db()
    assert len(secrets.scalars) == DEVICES * KEYS_PER_DEVICE
    stock_devices(batch=made, serials={0: "A", 1: "B"}, now=NOW)
    for code in FORMATS:
        exporting.export_batch(batch=made, format_code=code, actor=None, now=NOW)
    return made


def test_the_search_finds_a_key_however_it_is_written(secrets):
    secrets.scalars.append(bytes(range(100, 128)))
    for form in secrets.forms():
        with pytest.raises(AssertionError, match="shows a private key"):
            secrets.assert_not_in(b"before" + form + b"after", "a page")


def test_no_admin_page_shows_one(batch, secrets, client: Client):
    client.force_login(AdminFactory())
    request = client.get(reverse("admin:index")).wsgi_request
    for model, model_admin in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        secrets.assert_not_in(client.get(reverse(f"{name}_changelist")).content, f"the list of {model}")
        for row in model_admin.get_queryset(request)[:10]:
            for page in ("change", "history"):
                answer = client.get(reverse(f"{name}_{page}", args=[row.pk]))
                secrets.assert_not_in(answer.content, f"the {page} page of {row}")


def test_no_admin_form_or_column_has_a_secret_field(client: Client):
    client.force_login(AdminFactory())
    request = client.get(reverse("admin:index")).wsgi_request
    secret = {"sealed_private_key", "sealed_data_key", "private_key"}
    for model, model_admin in admin.site._registry.items():
        shown = {*model_admin.get_list_display(request), *model_admin.get_search_fields(request)}
        shown |= {str(each) for each in model_admin.get_readonly_fields(request)}
        if model_admin.has_view_permission(request):
            shown |= set(model_admin.get_form(request, change=True).base_fields)
        assert not secret & {str(each) for each in shown}, model


def test_no_answer_of_the_manufacturers_api_and_no_export_shows_one(batch, secrets, client: Client):
    token = {"HTTP_AUTHORIZATION": f"Token {make_token(batch.manufacturer.users.get())}"}
    base = "/api/v1/manufacturer"
    paths = [f"{base}/batches/", f"{base}/batches/{batch.pk}/", f"{base}/batches/{batch.pk}/exports/"]
    for export in batch.exports.all():
        paths += [f"{base}/exports/{export.pk}/", f"{base}/exports/{export.pk}/file/"]
    assert len(paths) == 3 + 2 * len(FORMATS)
    for path in paths:
        answer = client.get(path, **token)
        assert answer.status_code == 200
        secrets.assert_not_in(answer.getvalue() if answer.streaming else answer.content, path)


def test_no_answer_of_the_clients_api_shows_one(batch, secrets, client: Client):
    token = {"HTTP_AUTHORIZATION": f"Token {make_token(AdminFactory())}"}
    for path in ("trackers/", "trackers.geojson", "me/", "events/", "history/", "reports/"):
        secrets.assert_not_in(client.get(f"/api/v1/{path}", **token).content, path)


def test_no_export_command_and_no_dump_shows_one(batch, secrets, tmp_path, capsys):
    for code in FORMATS:
        call_command("export_keys", "Known", "--format", code, "--output", str(tmp_path))
    call_command("generate_keys", "--resume", "Known", "--json")
    call_command("rotate_vault_key", "--json")
    for path in tmp_path.iterdir():
        secrets.assert_not_in(path.read_bytes(), path.name)
    said = capsys.readouterr()
    secrets.assert_not_in(said.out + said.err, "a command")
    for model in apps.get_app_config("keys").get_models():
        dump = io.StringIO()
        django_serializers.serialize("json", model._default_manager.all(), stream=dump)
        secrets.assert_not_in(dump.getvalue(), f"a dump of {model}")


def test_no_repr_str_or_form_value_shows_one(batch, secrets):
    pairs = list(KeyPair.objects.all())
    vault = generating._vault()
    data_key = vault.open_data_key(bytes(batch.sealed_data_key))
    fresh = generating.advertisement.generate_key_pair()
    unsealed = unsealing.unseal_private_keys(hashed_keys=[pair.hashed_key for pair in pairs], purpose="test")
    objects = [batch, *pairs, vault, data_key, fresh, unsealed, *batch.exports.all()]
    objects += [model_to_dict(each) for each in (batch, *pairs)] + [each.__dict__ for each in pairs]
    for each in objects:
        secrets.assert_not_in(f"{each!r} {each} {[each]}", f"the repr of a {type(each).__name__}")


def test_no_log_shows_one(batch, secrets, logs):
    hashed_keys = list(KeyPair.objects.values_list("hashed_key", flat=True))
    unsealing.unseal_private_keys(hashed_keys=hashed_keys, purpose="test")
    rotating.rotate_master_key(actor=None)
    assert "private_keys_unsealed" in logs.text
    secrets.assert_not_in(logs.text, "the log")
    secrets.assert_not_in(repr([record.__dict__ for record in logs.records]), "a record of the log")


def failures(batch: KeyBatch, settings) -> Iterator[Exception]:
    """What can be made to go wrong around a private key."""
    scalar = generating.advertisement.generate_key_pair().private_key
    data_key = generating._vault().open_data_key(bytes(batch.sealed_data_key))
    sealed = data_key.seal(scalar, key_hash=bytes(32))
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFF16A2E0B8F03E13DD29455C5C2A3D
    attempts = [
        lambda: data_key.open(sealed, key_hash=bytes(31) + b"\1"),
        lambda: data_key.open(sealed[:-1], key_hash=bytes(32)),
        lambda: data_key.seal(scalar, key_hash=b"short"),
        lambda: advertisement.derive_key_pair(scalar + b"\0"),
        lambda: advertisement.load_private_key(order.to_bytes(28, "big")),
        lambda: Vault.from_encoded([new_master_key()]).open_data_key(bytes(batch.sealed_data_key)),
        lambda: Vault.from_encoded([base64.b64encode(scalar).decode()]),
    ]
    for attempt in attempts:
        with pytest.raises((VaultError, advertisement.AdvertisementError, ValueError)) as raised:
            attempt()
        yield raised.value


def test_no_error_shows_one(batch, secrets, settings):
    for error in failures(batch, settings):
        shown = "".join(traceback.format_exception(error)) + repr(error)
        secrets.assert_not_in(shown, f"a {type(error).__name__}")


def test_nothing_stored_is_in_clear(batch, secrets):
    tables = set(connection.introspection.table_names())
    for model in [model for model in apps.get_models() if model._meta.db_table in tables]:
        for row in model._base_manager.values_list()[:200]:
            for value in row:
                binary = isinstance(value, memoryview | bytes)
                secrets.assert_not_in(bytes(value) if binary else str(value), f"a row of {model}")
