"""JSON of which nothing is lost on the way."""

import json

import pytest

from foundation import strict_json
from foundation.strict_json import UnfitJsonError


@pytest.mark.parametrize(
    "text", ['{"a": [1, 2.5, true, null, "x"], "b": {"a": {}}}', "[]", '"x"', "1e300", '"\\ud83d\\ude00"']
)
def test_what_is_fit_is_read_as_usual(text):
    assert strict_json.decode(text) == json.loads(text)
    assert strict_json.decode(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "said", "name"),
    [
        ('{"a": 1, "a": 1}', "the member `a` is there twice", "a"),
        ('{"a": 1, "\\u0061": 2}', "the member `a` is there twice", "a"),
        ('{"b": [{}, {"c": {"d": 1, "e": 2, "d": 3}}]}', "`b[1].c.d` is there twice", "b[1].c.d"),
        ('[{"a": 1, "a": {"b": 1, "b": 2}}]', "`[0].a` is there twice", "[0].a"),
        ('{"a": "\\ud800"}', "`a` has half a character", "a"),
        ('{"a": [{"\\udfff": 1}]}', "`a[0].\\udfff` has half a character", "a[0].\\udfff"),
        ("1e400", "the number 1e400 is too large", ""),
        ("9" * 5_000, "has too many digits", ""),
        ("[" * 70 + "]" * 70, "nested too deeply", ""),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply", ""),
    ],
)
def test_what_is_unfit_is_refused_by_name(text, said, name):
    with pytest.raises(UnfitJsonError) as raised:
        strict_json.decode(text)
    assert said in raised.value.message
    assert raised.value.name == name


@pytest.mark.parametrize("text", ["NaN", '{"a": -Infinity}', "{", "", '{"a": 1} x', "\ufeff{}"])
def test_what_is_no_json_is_said_to_be_none(text):
    with pytest.raises(json.JSONDecodeError):
        strict_json.decode(text)


def test_names_are_repeated_short_and_visible():
    assert strict_json.shown("wantedBy") == "wantedBy"
    assert strict_json.shown("a\n\ud800") == "a\\n\\ud800"
    assert len(strict_json.shown("x" * 1_000)) == 61


def test_numbers_may_stay_as_they_are_written():
    decoder = strict_json.Decoder(numbers_as_text=True)
    assert decoder.decode("[1.50E+11, 1e400, 12]") == ["1.50E+11", "1e400", "12"]
