"""The OpenAPI schema is complete, and what the API answers is what the schema says."""

import hypothesis
import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from django.urls import resolve
from hypothesis import HealthCheck, Phase, given
from jsonschema import Draft202012Validator, FormatChecker
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.test_permissions import MADE, SCOPED, TABLE, call

SCHEMA_URL = "/api/v1/schema/"
MAC = "A1:A1:A1:00:00:01"
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
load_all_checks()


def test_schema_is_made_without_warnings(tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))


def test_schema_is_openapi_3_1_and_describes_every_operation(db):
    schema = Client().get(SCHEMA_URL, HTTP_ACCEPT="application/json").json()
    assert schema["openapi"].startswith("3.1")
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            assert operation.get("description"), path
            assert "application/problem+json" in operation["responses"]["default"]["content"], path


def test_bodies_have_no_other_members_than_the_schema_says(db):
    schema = Client().get(SCHEMA_URL, HTTP_ACCEPT="application/json").json()
    bodies = [
        body["schema"]["$ref"].rpartition("/")[2]
        for operations in schema["paths"].values()
        for operation in operations.values()
        for body in operation.get("requestBody", {}).get("content", {}).values()
        if "$ref" in body["schema"]
    ]
    assert "NewOrderRequest" in bodies
    assert all(schema["components"]["schemas"][name]["additionalProperties"] is False for name in bodies)


def test_every_list_is_bounded_in_the_schema(db):
    paths = Client().get(SCHEMA_URL, HTTP_ACCEPT="application/json").json()["paths"]
    lists = [
        operations["get"]
        for operations in paths.values()
        if "_list" in str(operations.get("get", {}).get("operationId"))
    ]
    assert len(lists) >= 11
    for operation in lists:
        sizes = [each["schema"] for each in operation["parameters"] if each["name"] == "page_size"]
        assert sizes
        assert sizes[0]["maximum"] <= 1000


JSON_OF_MAKERS = [name for name in MADE if name != "manufacturer-export-file" and TABLE[name].method == "get"]


@pytest.mark.parametrize(
    ("persona", "names"),
    [("viewer", [*SCOPED, "me"]), ("staff", [*SCOPED, "me"]), ("manufacturer", JSON_OF_MAKERS)],
)
def test_real_rows_are_what_the_schema_says(world, as_persona, persona, names):
    openapi = Client().get(SCHEMA_URL, HTTP_ACCEPT="application/json").json()
    client = as_persona(persona)
    for name in names:
        response = call(client, world, name)
        operation = next(
            operations["get"]
            for path, operations in openapi["paths"].items()
            if resolve(path.replace("{mac}", MAC).replace("{id}", "1")).url_name == name
        )
        media_type = response["Content-Type"].split(";")[0]
        answer_schema = operation["responses"]["200"]["content"][media_type]["schema"]
        body = response.json()
        assert body.get("results", True), name
        assert body.get("features", True), name
        Draft202012Validator(openapi | answer_schema, format_checker=FormatChecker()).validate(body)


def test_docs_page_loads_everything_from_here(db):
    page = Client().get("/api/v1/docs/").content.decode()
    assert "/api/v1/schema/" in page
    assert "/static/drf_spectacular_sidecar/" in page
    assert "http://" not in page
    assert "https://" not in page


@pytest.fixture
def open_connection():
    """The application closes its connection after each request; this test's transaction lives in it."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("open_connection")
def test_answers_are_what_the_schema_says(world, monkeypatch):
    """Valid and invalid requests to every operation, the same ones in each run."""
    monkeypatch.setattr("rest_framework.throttling.SimpleRateThrottle.allow_request", lambda *_: True)
    tokens = {
        persona: world.api_client(persona)._credentials["HTTP_AUTHORIZATION"]
        for persona in ("staff", "manufacturer")
    }
    schema = schemathesis.openapi.from_wsgi(
        SCHEMA_URL, get_wsgi_application(), headers={"Accept": "application/json"}
    )
    tried = 0
    for each in schema.exclude(path_regex="auth/logout").get_all_operations():
        operation = each.ok()
        persona = "manufacturer" if "/manufacturer/" in operation.path else "staff"
        try_operation(operation, {"Authorization": tokens[persona]})
        tried += 1
    assert tried >= 20


def try_operation(operation, headers: dict[str, str]) -> None:
    @given(case=operation.as_strategy())
    @hypothesis.settings(
        max_examples=10,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def answers_conform(case):
        if "mac" in case.path_parameters and len(case.path_parameters["mac"]) % 2:
            case.path_parameters["mac"] = MAC
        case.call_and_validate(headers=headers, checks=CHECKS)

    answers_conform()
