import pytest

from trackers.mac import InvalidMacError, parse_mac


@pytest.mark.parametrize(
    "text",
    [
        "E2:7B:7C:0B:3A:2F",
        "e2:7b:7c:0b:3a:2f",
        "E2-7B-7C-0B-3A-2F",
        "E2 7B 7C 0B 3A 2F",
        "E2.7B.7C.0B.3A.2F",
        "e27b.7c0b.3a2f",
        "e27b:7c0b:3a2f",
        "e27b7c-0b3a2f",
        "E27B7C0B3A2F",
        "0xE27B7C0B3A2F",
        "  e2:7b:7c:0b:3a:2f\n",
        "\u200e\u201cE2\u20117B\u20117C\u20110B\u20113A\u20112F\u201d\u00a0",
        "Ｅ２：７Ｂ：７Ｃ：０Ｂ：３Ａ：２Ｆ",
    ],
)
def test_mac_notations(text):
    assert parse_mac(text) == "E2:7B:7C:0B:3A:2F"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "E2:7B:7C:0B:3A",
        "E2:7B:7C:0B:3A:2F:00",
        "E2:7B-7C:0B:3A:2F",
        "G2:7B:7C:0B:3A:2F",
        "E27B7C0B3A2",
        "0x",
        "00:00:00:00:00:00",
        "ff-ff-ff-ff-ff-ff",
        "0xFFFFFFFFFFFF",
        "\u200eFFFF.FFFF.FFFF\u00a0",
    ],
)
def test_text_that_is_no_mac(text):
    with pytest.raises(InvalidMacError):
        parse_mac(text)
