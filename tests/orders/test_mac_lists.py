"""Lists of MACs in every shape that people paste and upload, and what is said of the rest."""

import pytest

from orders import mac_lists
from orders.mac_lists import UnreadableListError

ONE, TWO = "E2:7B:7C:0B:3A:2F", "E2:7B:7C:0B:3A:30"


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE}\n{TWO}",
        f"{ONE}\r\n\r\n  {TWO.lower()}  \r\n",
        f"{ONE},{TWO}",
        f"{ONE};{TWO};",
        "e27b.7c0b.3a2f\ne2-7b-7c-0b-3a-30",
        f"\ufeffMAC\n{ONE}\n{TWO}",
        f"Serial;MAC address;Note\nA-1;{ONE};first\nA-2;{TWO};\n",
        f"sep=;\nMAC;Note\n{ONE};first\n{TWO};second",
        f"MAC;Note\n{ONE};one, two, three, four\n{TWO};five, six",
        f"\u200bMAC\n\u200e{ONE}\n{TWO}\u200b",
        f'MAC\n="{ONE}"\n\'{TWO}',
        f"{ONE}\x0b{TWO}\u2028",
        f'serial\tmac\nA-1\t\'{ONE}\nA-2\t"{TWO}"',
    ],
)
def test_every_common_shape_is_read(text):
    assert mac_lists.parse(text).macs == [ONE, TWO]


@pytest.mark.parametrize(
    "text",
    [
        f"A-1\n{ONE}",
        f"A-1;{ONE};",
        f"Serial\tMAC\tNote\nA-1\t\tfirst, second\nA-2\t{ONE}\t",
        f"sn,address\nA-1,\n,{ONE}",
        f"\ufeffsep=;\nMAC;Serial number;Note\n;A-1;x, y\n{ONE};;",
        f'["A-1", "{ONE}"]',
        f'[{{"serial": "A-1"}}, {{"MAC": "{ONE}", "note": "x"}}]',
    ],
)
def test_serials_are_names_too(text):
    assert sorted(str(name) for name in mac_lists.parse(text).names) == ["A-1", ONE]


def test_places_count_as_a_spreadsheet_does():
    listed = mac_lists.parse(f"serial,mac\nA-1,{ONE}\n\nA-2,{TWO}")
    assert listed.name({TWO}) == f"{TWO} (row 4, column 2)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "There is no MAC in it"),
        (" \n,,\n", "There is no MAC in it"),
        ("mac\n", "There is no MAC in it"),
        (f"{ONE}\n@nonsense", "Row 2, column 1: “@nonsense” is no MAC"),
        (f"{ONE},{'x' * 70}", "Row 1, column 2: "),
        (
            f"{ONE}\n1.12233E+11",
            "Row 2, column 1: “1.12233E+11”: a spreadsheet took the MAC or serial for a number",
        ),
        (f"{ONE}\n00:00:00:00:00:00", "Row 2, column 1: 00:00:00:00:00:00 is the address of no device"),
        (f"MAC\n{ONE}\nff-ff-ff-ff-ff-ff", "Row 3, column 1: FF:FF:FF:FF:FF:FF is the address of no device"),
        (f"MAC;note\n{ONE};x\n;y", "Row 3, column 1: there is neither a MAC nor a serial"),
        ("MAC\nA-7", "Row 2, column 1: “A-7” is no MAC"),
        ("12345.0", "a spreadsheet dropped the zeros in front"),
        ('[{"serial": 1.5}]', "Row 1, column 1: the name is a number with a fraction"),
        ('[{"serial": "A", "serial": "B"}]', "there twice"),
        ('[{"note": "A"}]', "there is neither a MAC nor a serial"),
        ('{"mac": "A"}', "is no array"),
        ("[", "is no valid JSON"),
        ("mac\n1,12E+11", "Row 2, column 1"),
        (
            "serial;mac\nx;1,12233E+11",
            "Row 2, column 2: “1,12233E+11”: a spreadsheet took the MAC for a number",
        ),
        ("mac\n1122334455", "a spreadsheet dropped the zeros in front"),
        (f"{ONE}\n{TWO}\n{ONE.lower()}", f"Row 3, column 1: {ONE} is in row 1 already"),
        ("=HYPERLINK(1)", "is no MAC"),
        ("x" * 200_000, "can't be read as a list"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text, said):
    with pytest.raises(UnreadableListError) as raised:
        mac_lists.parse(text)
    assert said in str(raised.value)


def test_only_the_first_problems_are_named():
    with pytest.raises(UnreadableListError, match="and 15 more") as raised:
        mac_lists.parse("\n".join(f"=wrong {i}" for i in range(25)))
    assert len(str(raised.value)) < 2000


def test_too_many_macs_are_refused():
    macs = "\n".join(f"{i:012X}" for i in range(1, mac_lists.MAX_MACS + 2))
    with pytest.raises(UnreadableListError, match="At most 20,000 MACs at once; these are 20,001"):
        mac_lists.parse(macs)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_are_decoded(encoding):
    assert mac_lists.parse(mac_lists.decode(f"MAC\n{ONE}".encode(encoding))).macs == [ONE]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04rest of a workbook", "workbook"),
        (b"MAC\n\xfc\xdf", "Row 2 is not in UTF-8"),
        (b"MAC\0\n", "no text"),
        (b"\xff\xfeM", "not in UTF-8"),
        (b"x" * (mac_lists.MAX_BYTES + 1), "larger than 2 MB"),
    ],
)
def test_files_that_are_no_text_are_refused(content, said):
    with pytest.raises(UnreadableListError, match=said):
        mac_lists.decode(content)
