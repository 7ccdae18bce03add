"""Forms in parts of which nothing is passed over."""

import io

import pytest
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.test import RequestFactory

from foundation.parts import StrictParts


def part(disposition, content="x", *headers):
    return "\r\n".join(["--b", f"Content-Disposition: form-data{disposition}", *headers, "", content, ""])


def parsed(*parts, end="--b--\r\n", most=100, length=None):
    body = ("".join(parts) + end).encode()
    meta = {"CONTENT_TYPE": "multipart/form-data; boundary=b", "CONTENT_LENGTH": str(length or len(body))}
    handler = StrictParts(RequestFactory().get("/"), max_file_bytes=most)
    return MultiPartParser(meta, io.BytesIO(body), [handler], "utf-8").parse()


NAMED, FILE = '; name="a"', '; name="f"; filename="x.csv"'


def test_fields_and_files_are_read_each_as_often_as_it_is_there():
    fields, files = parsed(part(NAMED, "1"), part(NAMED, "é"), part(FILE, "mac,key\r\n--x"), part(FILE, ""))
    assert fields.getlist("a") == ["1", "é"]
    assert [(file.name, file.read()) for file in files.getlist("f")] == [
        ("x.csv", b"mac,key\r\n--x"),
        ("x.csv", b""),
    ]


def test_file_without_a_name_of_its_own_is_a_field_as_browsers_send_it_for_no_file():
    fields, files = parsed(part('; name="f"; filename=""', ""))
    assert (dict(fields.lists()), dict(files)) == ({"f": [""]}, {})


@pytest.mark.parametrize("name", ["/", "..", "a/../", "\\"])
def test_file_whose_name_is_only_a_path_is_there_all_the_same(name):
    _, files = parsed(part(f'; name="f"; filename="{name}"', "x"))
    assert len(files.getlist("f")) == 1


def test_base64_is_read_as_django_reads_it():
    coded = "Content-Transfer-Encoding: base64"
    fields, files = parsed(part(NAMED, "YQ==", coded), part(FILE, "bWFj\r\nLGtleQ==", coded))
    assert (fields["a"], files["f"].read()) == ("a", b"mac,key")


@pytest.mark.parametrize(
    ("parts", "end", "said"),
    [
        ([part("")], "--b--", "no name"),
        ([part('; name=" "')], "--b--", "no name"),
        ([part('; filename="x.csv"')], "--b--", "no name"),
        (["--b\r\nContent-Type: text/csv\r\n\r\nmac,key\r\n"], "--b--", "no name"),
        (["--b\r\n\r\nmac,key\r\n"], "--b--", "no name"),
        (["dry_run=true\r\n", part(NAMED)], "--b--", "no name"),
        ([part(NAMED)], "--b--\r\ndry_run=true", "no name"),
        ([part(FILE, "mac,key")], "", "cut off"),
        ([part(FILE, "mac,key")], "--b", "cut off"),
        ([part(NAMED, "!", "Content-Transfer-Encoding: base64")], "--b--", "base64"),
        ([part(FILE, "YQ", "Content-Transfer-Encoding: base64")], "--b--", "base64"),
        ([part(NAMED, "=41", "Content-Transfer-Encoding: quoted-printable")], "--b--", "transfer encoding"),
    ],
)
def test_what_would_be_passed_over_is_refused(parts, end, said):
    with pytest.raises(MultiPartParserError, match=said):
        parsed(*parts, end=end)


def test_limits(settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    with pytest.raises(TooManyFieldsSent):
        parsed(*[part(NAMED)] * 3)
    with pytest.raises(TooManyFilesSent):
        parsed(*[part(FILE)] * 3)
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 5
    assert parsed(part(NAMED, "12"), part(NAMED, "345"))[0].getlist("a") == ["12", "345"]
    with pytest.raises(RequestDataTooBig):
        parsed(part(NAMED, "12"), part(NAMED, "3456"))


def test_file_that_is_too_large_is_not_there():
    fields, files = parsed(part(NAMED, "1"), part(FILE, "x" * 101), part(NAMED, "2"))
    assert (fields.getlist("a"), dict(files)) == (["1"], {})
    assert parsed(part(FILE, "x" * 100))[1]["f"].size == 100
