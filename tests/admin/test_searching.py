"""Search as ops type it."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import TrackerFactory
from trackers import naming, selectors
from trackers.models import Tracker

MAC = "E2:7B:7C:0B:3A:2F"
LIST = "admin:trackers_tracker_changelist"


@pytest.fixture
def tracker(db: None) -> Tracker:
    TrackerFactory.create_batch(3)
    return TrackerFactory(mac=MAC, serial="GL0815-7")


def found(text: str) -> list[Tracker]:
    return list(selectors.find_trackers(Tracker.objects.all(), text))


@pytest.mark.parametrize(
    "text",
    [
        MAC,
        "e27b7c0b3a2f",
        "E2-7B-7C-0B-3A-2F",
        "e27b.7c0b.3a2f",
        "e2 7b 7c 0b 3a 2f",
        " 0xE27B7C0B3A2F ",
        "e2:7b:7",
        "E27B7",
        "GL0815",
        "gl08",
        "GL0815-7",
    ],
)
def test_finds_by_mac_in_any_notation_and_by_beginnings(tracker: Tracker, text: str) -> None:
    assert found(text) == [tracker]


def test_finds_several_macs_at_once(tracker: Tracker) -> None:
    other = TrackerFactory(mac="E2:00:00:00:00:01")
    assert set(found(f"{MAC}, e20000000001\n")) == {tracker, other}


@pytest.mark.parametrize("text", ["7C:0B", "0815", "nothing"])
def test_does_not_search_in_the_middle(tracker: Tracker, text: str) -> None:
    assert found(text) == []


def test_list_searches_among_what_is_filtered(ops: Client, tracker: Tracker) -> None:
    page = ops.get(reverse(LIST), {"q": "e27b", "state__exact": "LOST"})
    assert list(page.context["cl"].result_list) == []
    page = ops.get(reverse(LIST), {"q": "e27b", "state__exact": "IN_STOCK"})
    assert list(page.context["cl"].result_list) == [tracker]


@pytest.mark.parametrize("text", [f"{MAC} GL0815-8", "GL0815-7;gl0815-8", "GL0815-7, e20000000001\nnothing"])
def test_finds_serials_and_macs_at_once(tracker: Tracker, text: str) -> None:
    other = TrackerFactory(mac="E2:00:00:00:00:01", serial="GL0815-8")
    assert set(found(text)) == {tracker, other}


def test_finds_a_serial_that_reads_as_a_mac(tracker: Tracker) -> None:
    other = TrackerFactory(serial="E27B7C0B3A2F")
    assert set(found("E27B7C0B3A2F")) == {tracker, other}


class TestNames:
    """One function says who is meant, wherever devices are named."""

    def resolved(self, *names: str) -> selectors.Resolved:
        return selectors.resolve(Tracker.objects.all(), map(naming.name_of, names))

    def test_macs_and_serials(self, tracker: Tracker) -> None:
        other = TrackerFactory(serial="a-1")
        names = ["e27b7c0b3a2f", "\u200egl0815-7\u00a0", "A-1", "nothing", "00:00:00:00:00:00"]
        assert self.resolved(*names) == (
            {MAC: tracker.pk, "gl0815-7": tracker.pk, "A-1": other.pk},
            ["nothing", "00:00:00:00:00:00"],
            [],
        )

    def test_mac_of_one_and_serial_of_another(self, tracker: Tracker) -> None:
        TrackerFactory(serial="E27B7C0B3A2F")
        assert self.resolved("E27B7C0B3A2F") == ({}, [], [MAC])
        assert self.resolved(MAC).ids == {MAC: tracker.pk}

    def test_serials_that_differ_in_case_only(self, tracker: Tracker) -> None:
        upper, lower = TrackerFactory(serial="AB"), TrackerFactory(serial="ab")
        assert self.resolved("AB", "ab").ids == {"AB": upper.pk, "ab": lower.pk}
        assert self.resolved("Ab").ambiguous == ["Ab"]
