"""Input is used or refused: every endpoint and method is walked with what it would not use."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from knox.models import AuthToken
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.parsers import MultiPartParser

from foundation.api import bodies, members, parameters
from foundation.api.strict import StrictInput
from keys.api.device_imports.parsers import CsvFile, JsonFile
from tests.api.test_permissions import TABLE, api_patterns, fill, view_class
from tests.trackers.replays import rows

EXCUSED = {"unknown": "answers 404, or sends on to an endpoint, with the parameters, which then refuses them"}
PARSERS = {bodies.StrictJson, MultiPartParser, JsonFile, CsvFile}
METHODS = ("get", "head", "options", "post", "put", "patch", "delete")
# What each endpoint takes in a body of JSON, apart from one that takes forms and files.
MEMBERS = {
    "login": {"username": "anna", "password": "x"},
    "logout": {},
    "logout-all": {},
    "manufacturer-batch-exports": {"format": "csv"},
    "manufacturer-export-acknowledge": {"sha256": "0" * 64},
    "locations": {"name": "Yard", "kind": "STORAGE", "area": {}},
    "location": {"name": "Yard", "area": {}},
    "orders": {"run": 1, "quantity": 1, "reference": "PO-1"},
    "order-cancel": {"reason": "x"},
    "device-import-confirm": {"accept_mac_mismatch": True},
}
FORMS = ["device-imports"]
FILE = b"mac,key\nC0:00:00:00:00:01,AA==\n"


def methods_of(name):
    view = view_class(name)
    return [method for method in METHODS if hasattr(view, "get" if method == "head" else method)]


def writing(name):
    return next(method for method in methods_of(name) if method in ("post", "patch"))


WALKED = [name for name in api_patterns() if name not in EXCUSED]
WITH_BODY = [name for name in WALKED if {"post", "put", "patch"} & {*methods_of(name)}]
each_endpoint = pytest.mark.parametrize("name", WALKED)
each_with_body = pytest.mark.parametrize("name", WITH_BODY)
each_of_json = pytest.mark.parametrize("name", MEMBERS)


@pytest.fixture(autouse=True)
def unlimited(monkeypatch):
    monkeypatch.setattr("rest_framework.throttling.SimpleRateThrottle.allow_request", lambda *_: True)


@pytest.fixture
def send(world):
    """Send a request to an endpoint by its name, as somebody who is allowed there; nothing may be written."""
    tokens = {name: world.api_client(name)._credentials["HTTP_AUTHORIZATION"] for name in SENDERS}
    before = rows()

    def send(name, method, query="", body=b"", content_type="application/json", content_encoding="identity"):
        path = fill(world, TABLE[name].path.partition("?")[0])
        headers = {"authorization": tokens[persona_for(name)], "content-encoding": content_encoding}
        return Client().generic(method.upper(), path + query, body, content_type, headers=headers)

    yield send
    assert rows() == before


SENDERS = ("staff", "manager", "manufacturer")


def persona_for(name):
    if TABLE[name].for_makers:
        return "manufacturer"
    return "manager" if name in ("orders", "order-cancel") else "staff"


def refused(response, name="", status=400):
    """The problem that the response is, which names what was not used."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json() if response.content else {}
    assert name in json.dumps(problem, ensure_ascii=False) or not response.content
    return problem


def form(**fields):
    """A multipart body and its type; a list is several parts of one name, bytes are a file."""
    parts = []
    for name, values in fields.items():
        for value in values if isinstance(values, list) else [values]:
            file_name = '; filename="devices.csv"' if isinstance(value, bytes) else ""
            text = value.decode() if isinstance(value, bytes) else value
            parts.append(f'--x\r\nContent-Disposition: form-data; name="{name}"{file_name}\r\n\r\n{text}\r\n')
    return "".join([*parts, "--x--\r\n"]).encode(), "multipart/form-data; boundary=x"


class TestWalk:
    def test_every_view_goes_through_the_one_place(self):
        assert set(api_patterns()) == set(TABLE)
        assert {name for name in TABLE if not issubclass(view_class(name), StrictInput)} == set(EXCUSED)

    def test_every_body_is_walked_and_read_by_a_strict_parser(self):
        assert set(WITH_BODY) == {*MEMBERS, *FORMS}
        for name in WITH_BODY:
            assert set(view_class(name).parser_classes) <= PARSERS

    @each_endpoint
    def test_what_a_view_declares_is_for_methods_that_it_has(self, name):
        assert set(view_class(name).takes) <= {*methods_of(name)}

    @each_endpoint
    def test_unknown_parameter_and_body_are_refused_by_name(self, send, name):
        for method in methods_of(name):
            refused(send(name, method, "?nonsense=1"), "nonsense")
            if method in ("get", "head", "options", "delete"):
                assert send(name, method).status_code < 500
                refused(send(name, method, body='{"nonsense": 1}'), "takes no body")

    @each_with_body
    def test_parameters_of_a_reading_are_refused_for_a_writing(self, send, name):
        for query in ("?page=1", "?page_size=1", "?cursor=x", "?format=json"):
            refused(send(name, writing(name), query), query[1:].partition("=")[0])

    @each_of_json
    def test_unknown_and_repeated_members_are_refused_by_name(self, send, name):
        refused(send(name, writing(name), body=json.dumps(MEMBERS[name] | {"nonsense": 1})), "nonsense")
        taken = MEMBERS[name] or {"nonsense": 1}
        for member, value in taken.items():
            body = f'{{"{member}": {json.dumps(value)}, {json.dumps(taken)[1:]}'
            assert "twice" in refused(send(name, writing(name), body=body), member)["errors"][member][0]

    @each_of_json
    def test_members_in_the_address_are_refused_with_the_place_where_they_belong(self, send, name):
        for member in set(MEMBERS[name]) - {"format"}:
            told = refused(send(name, writing(name), f"?{member}=1"), member)
            assert "from the body" in told["errors"][member][0]

    @each_of_json
    def test_json_that_can_not_be_used_is_a_problem(self, send, name):
        for body in UNUSABLE_JSON:
            refused(send(name, writing(name), body=body))
        refused(send(name, writing(name), body='{"a": "' + "x" * 2**21 + '"}'), "more than 1 MB", 413)

    @each_with_body
    def test_body_of_another_type_or_of_unknown_length_is_refused(self, world, send, name):
        for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/xml", ""):
            refused(send(name, writing(name), body="a=1", content_type=content_type), status=415)
        token = world.api_client(persona_for(name))._credentials["HTTP_AUTHORIZATION"]
        headers = {"authorization": token, "transfer-encoding": "chunked"}
        response = getattr(Client(), writing(name))(
            fill(world, TABLE[name].path), headers=headers, CONTENT_LENGTH=""
        )
        refused(response, "Content-Length", 411)
        AuthToken.objects.latest("created").delete()

    @each_with_body
    def test_body_in_another_encoding_or_packed_is_refused(self, send, name):
        for media_type in ("application/json", "text/csv"):
            for charset in ("utf-16", "latin-1", "klingon"):
                content_type = f"{media_type}; charset={charset}"
                refused(send(name, writing(name), body="{}", content_type=content_type), "UTF-8", 415)
        packed = send(name, writing(name), body="{}", content_encoding="gzip")
        refused(packed, "packed", 415)
        assert "packed" not in str(send(name, writing(name), "?x=1", content_encoding="identity").json())


UNUSABLE_JSON = (
    "[" * 100_000,
    '{"a": ' * 500 + "1" + "}" * 500,
    '{"a": NaN}',
    '{"a": 1e999}',
    f'{{"a": {"9" * 5_000}}}',
    '{"a": "\\ud800"}',
    '{"\\udc00": 1}',
    "\ufeff{}",
    b"\xff\xfe{}",
    "[1]",
    '"x"',
)


class TestParameters:
    @each_endpoint
    def test_empty_and_repeated_values_are_refused_by_name(self, send, name):
        if "get" not in methods_of(name):
            return
        for parameter in parameters.of_reading(view_class(name)()):
            for empty in ("", "%20", "%E2%80%83"):
                if parameter.name != "format":
                    refused(send(name, "get", f"?{parameter.name}={empty}"), parameter.name)
                    response = send(name, "get", f"?{parameter.name}=1&{parameter.name}=1")
                    told = response.json().get("errors", {}).get(parameter.name, [""])
                    assert ("given 2 times" in told[0]) is not parameter.several

    @pytest.mark.parametrize(
        "name", [name for name in WALKED if issubclass(view_class(name), ListModelMixin)]
    )
    def test_page_size_that_is_none_is_refused(self, send, name):
        for size in ("0", "-1", "many", "1.5", "%C2%B2", "1e3", "99999999999"):
            refused(send(name, "get", f"?page_size={size}"), "page_size")

    def test_number_of_parameters_is_limited(self, send):
        refused(send("trackers", "get", "?" + "&".join(f"a{index}=1" for index in range(1_100))), "too many")

    def test_one_thing_has_no_pages_and_no_filters(self, send):
        for query in ("?page=1", "?page_size=1", "?status=DELIVERED"):
            refused(send("tracker", "get", query), query[1:].partition("=")[0])

    def test_message_says_what_was_meant_and_what_is_known(self, send):
        told = refused(send("trackers", "get", "?silentFor=3&stauts=DELIVERED"), "silentFor")
        assert "did you mean `silent_for`?" in told["errors"]["silentFor"][0]
        assert "did you mean `status`?" in told["errors"]["stauts"][0]
        assert "Known: battery, bbox," in told["errors"]["stauts"][0]
        assert "none is taken here" in refused(send("me", "get", "?x=1"), "x")["errors"]["x"][0]

    def test_several_values_are_taken_where_that_is_meant(self, send):
        assert send("trackers", "get", "?status=DELIVERED&status=IN_STORAGE").status_code == 200

    def test_name_that_no_text_can_hold_is_a_problem_too(self, send):
        refused(send("trackers", "get", "?%ED%A0%80%00=1&" + "x" * 5_000 + "=1"), "parameter")


class TestDeviceImports:
    """A form with a file, or the file as the body: what one takes, the other refuses."""

    def test_options_in_the_address_of_a_form_are_refused(self, send):
        for option in ("dry_run", "batch", "accept_mac_mismatch"):
            told = refused(send("device-imports", "post", f"?{option}=true", *form(file=FILE)), option)
            assert "from the body" in told["errors"][option][0]

    def test_unknown_field_is_refused_with_what_was_meant(self, send):
        for field in ("dry-run", "dryRun", "DRY_RUN", "dry_run[]", "files"):
            told = refused(send("device-imports", "post", "", *form(file=FILE, **{field: "true"})), field)
            meant = "file" if field == "files" else "dry_run"
            assert f"did you mean `{meant}`?" in told["errors"][field][0]

    def test_second_or_misplaced_part_is_refused(self, send):
        for fields, named in (
            ({"file": [FILE, FILE]}, "file"),
            ({"file": [FILE, "mac,key"]}, "file"),
            ({"file": FILE, "second": FILE}, "second"),
            ({"file": FILE, "batch": b"Batch"}, "batch"),
            ({"file": FILE, "dry_run": ["true", "false"]}, "dry_run"),
            ({"file": FILE, "dry_run": ["true", "true"]}, "dry_run"),
        ):
            refused(send("device-imports", "post", "", *form(**fields)), named)

    def test_options_of_a_file_as_the_body_are_known_and_given_once(self, send):
        for query, named in (
            ("?dry-run=true", "dry-run"),
            ("?dry_run=true&dry_run=false", "dry_run"),
            ("?dry_run=", "dry_run"),
            ("?batch=", "batch"),
            ("?file=x", "file"),
            ("?dry_run=true&nonsense", "nonsense"),
        ):
            refused(send("device-imports", "post", query, FILE, "text/csv"), named)
            refused(send("device-imports", "post", query, b"[]"), named)

    def test_batch_that_is_empty_by_mistake_does_not_mean_any_batch(self, send):
        for option in ("batch", "dry_run", "accept_mac_mismatch"):
            told = refused(send("device-imports", "post", "", *form(file=FILE, **{option: ""})), option)
            assert "is empty" in told["errors"][option][0]

    def test_repeated_member_in_a_file_is_refused(self, send):
        content = b'[{"mac": "C0:00:00:00:00:01", "key": "AA==", "key": "BB=="}]'
        refused(send("device-imports", "post", "", content), "key")

    def test_part_without_a_name_and_a_form_that_is_cut_off_are_problems(self, send):
        body, content_type = form(file=FILE)
        nameless = b"--x\r\nContent-Disposition: form-data\r\n\r\ntrue\r\n"
        refused(send("device-imports", "post", "", nameless + body, content_type), "no name")
        refused(send("device-imports", "post", "", body.removesuffix(b"--x--\r\n"), content_type), "cut off")

    @override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1_000)
    def test_field_as_large_as_a_file_is_a_problem(self, send):
        refused(send("device-imports", "post", "", *form(file="x" * 2_000)), "too large", 413)

    def test_too_many_parts_are_a_problem(self, send):
        refused(send("device-imports", "post", "", *form(a=["1"] * 1_100)), "too many")
        refused(send("device-imports", "post", "", *form(file=[FILE] * 200)), "too many")


class Inner(serializers.Serializer):
    name = serializers.CharField()
    made_at = serializers.DateTimeField(read_only=True)


class Outer(serializers.Serializer):
    inner = Inner()
    many = Inner(many=True)
    listed = serializers.ListField(child=Inner())
    by_name = serializers.DictField(child=Inner())
    anything = serializers.JSONField()


class TestMembersAtAnyDepth:
    @pytest.mark.parametrize(
        ("data", "named"),
        [
            ({"innr": {}}, "innr"),
            ({"inner": {"nam": 1}}, "inner.nam"),
            ({"inner": {"made_at": 1}}, "inner.made_at"),
            ({"many": [{"name": 1}, {"Name": 1}]}, "many[1].Name"),
            ({"listed": [{"x": 1}]}, "listed[0].x"),
            ({"by_name": {"a": {"x": 1}}}, "by_name.a.x"),
        ],
    )
    def test_unknown_one_is_named_with_its_path(self, data, named):
        assert [name for name, _ in members.problems(data, Outer, {})] == [named]

    @pytest.mark.parametrize(
        "data",
        [{"inner": {"name": 1}, "anything": {"x": [{"y": 1}]}}, {"inner": 3, "many": "x"}, None],
    )
    def test_what_the_serializer_itself_reads_or_refuses_is_left_to_it(self, data):
        assert list(members.problems(data, Outer, {})) == []

    def test_many_are_told_in_short(self):
        assert len(list(members.problems({f"x{index}": 1 for index in range(1_000)}, Outer, {}))) == 20


def test_order_with_a_misspelt_date_is_not_placed_without_it(world, as_persona):
    order = {"run": world.alpha.run.pk, "quantity": 1, "reference": "PO-9", "wantedBy": "2099-01-01"}
    response = as_persona("manager").post("/api/v1/orders/", order)
    told = refused(response, "wantedBy")
    assert told["errors"]["wantedBy"] == [
        "There is no field `wantedBy`; did you mean `wanted_by`? Known: quantity, reference, run, wanted_by."
    ]


def test_form_with_a_session_is_as_strict_as_with_a_token(world):
    client = Client()
    client.force_login(world.users["staff"])
    before = rows()
    response = client.post(
        "/api/v1/device-imports/", {"file": SimpleUploadedFile("a.csv", FILE), "dry-run": "true"}
    )
    refused(response, "dry-run")
    assert rows() == before
