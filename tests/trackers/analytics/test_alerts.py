"""Which alerts a list shows, in which order, and how many of each kind there are to act on."""

from datetime import timedelta
from typing import Any

import pytest

from tests.factories import NOW, AlertFactory, AssignmentFactory, StorageFactory
from trackers.analytics import alerts
from trackers.models import Alert, Assignment

HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


def alert(began_h: float, ended_h: float | None = None, **others: Any) -> Alert:
    ended = {} if ended_h is None else {"ended_at": NOW + ended_h * HOUR}
    return AlertFactory(began_at=NOW + began_h * HOUR, **ended, **others)


def test_those_that_last_come_first_then_those_that_ended_each_latest_first() -> None:
    ended_early, ended_late = alert(2, 5), alert(1, 9)
    began_early, began_late = alert(-3), alert(3)
    alert(8, retracted_at=NOW)
    alert(8, 10, retracted_at=NOW)
    every = [began_late, began_early, ended_late, ended_early]
    for limit in range(6):
        assert alerts.newest(Alert.objects.all(), limit) == every[:limit], limit


def test_of_those_at_one_moment_the_last_recorded_comes_first() -> None:
    first, second = alert(0), alert(0)
    third, fourth = alert(0, 1), alert(0, 1)
    assert alerts.newest(Alert.objects.all(), 9) == [second, first, fourth, third]


def test_a_list_of_alerts_asks_once_for_all_that_it_shows(django_assert_num_queries: Any) -> None:
    for number in range(3):
        alert(number)
        alert(number, number + 1)
    with django_assert_num_queries(3):
        shown = [
            (each.tracker, each.assignment and each.assignment.run.brand.client, each.where)
            for each in alerts.newest(Alert.objects.all(), 9)
        ]
    assert len(shown) == 6


def test_alerts_are_those_of_the_assignments() -> None:
    mine = alert(0)
    alert(0)
    chosen = Assignment.objects.filter(pk=mine.assignment_id)
    assert list(alerts.under(Alert.objects.all(), chosen)) == [mine]


def test_those_to_act_on_are_open_and_not_part_of_a_site_outage() -> None:
    outage = AlertFactory(kind="SILENT_PLACE", tracker=None, assignment=None, location=StorageFactory())
    alert(0, part_of=outage)
    alert(0, 1)
    alert(0, retracted_at=NOW)
    alert(0, kind="OFF_ROUTE", assignment=AssignmentFactory())
    for _ in range(2):
        alert(0)
    assert alerts.open_by_kind(Alert.objects.all()) == {"SILENT": 2, "OFF_ROUTE": 1, "SILENT_PLACE": 1}
