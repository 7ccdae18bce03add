import io
import zipfile

import pytest

from keys.exports import zipping
from keys.exports.zipping import Member, TooLargeError, UnsafeNameError, zipped


@pytest.mark.parametrize("number", [0, 1, 2, 65_534, 65_535, 65_536])
def test_the_standard_library_reads_what_is_written(number):
    content = b"".join(zipped(Member(f"{index}.bin", b"%d" % index) for index in range(number)))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert len(archive.namelist()) == number
        for name in archive.namelist()[-2:]:
            assert archive.read(name) == name.removesuffix(".bin").encode()


def test_members_have_a_fixed_date_and_are_readable():
    content = b"".join(zipped([Member("a.bin", b"x" * 100)]))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (info,) = archive.infolist()
    assert info.date_time == (1980, 1, 1, 0, 0, 0)
    assert info.external_attr >> 16 == 0o100644
    assert (info.compress_type, info.file_size) == (zipfile.ZIP_STORED, 100)


@pytest.mark.parametrize(
    "name",
    [
        "../etc/passwd",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "C:x",
        "..",
        ".hidden",
        "",
        "a\0b",
        "a\n",
        "é",
        "x" * 101,
    ],
)
def test_names_that_lead_elsewhere_are_refused(name):
    with pytest.raises(UnsafeNameError):
        list(zipped([Member(name, b"")]))


def test_more_than_offsets_can_say_is_refused(monkeypatch):
    monkeypatch.setattr(zipping, "_LARGEST_32", 1000)
    with pytest.raises(TooLargeError):
        list(zipped([Member("a", bytes(600)), Member("b", bytes(600))]))
