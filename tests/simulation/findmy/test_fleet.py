from datetime import timedelta
from itertools import islice, pairwise, takewhile
from statistics import median, quantiles

import pytest

from ingestion.findmy import protocol
from simulation.findmy import fleet
from simulation.findmy.plan import PlannedTracker
from simulation.findmy.tracks import Trace, distance_m
from tests.simulation.findmy import worlds

PAIR = worlds.key_pair(1)
STORED = {"departs_at": None}


def _phone_reports(count, *, plan_changes=None, **changes):
    plan = worlds.plan([worlds.tracker([PAIR], **changes)], **(plan_changes or {}))
    return list(islice(fleet.phone_reports(plan, plan.trackers[0]), count))


def test_a_seed_gives_the_same_fleet_again():
    assert _phone_reports(300) == _phone_reports(300)
    assert _phone_reports(300) != _phone_reports(300, plan_changes={"seed": 8})


def test_trackers_of_one_plan_differ():
    plan = worlds.plan([worlds.tracker([worlds.key_pair(number)]) for number in (1, 2)])
    one, two = (next(fleet.phone_reports(plan, tracker)) for tracker in plan.trackers)

    assert one.report.seen_at != two.report.seen_at


def test_reports_come_in_order_at_irregular_gaps():
    moments = [phone_report.report.seen_at for phone_report in _phone_reports(2000)]
    gaps_s = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]

    assert min(gaps_s) >= 29
    assert median(gaps_s) == pytest.approx(900, rel=0.1)
    assert max(gaps_s) > 4 * median(gaps_s)
    assert all(moment.microsecond == 0 for moment in moments)


def test_delays_fit_the_published_quantiles():
    sample = _phone_reports(20_000, plan_changes={"started_at": "2026-01-01T00:00:00Z"}, **STORED)
    delays_s = [
        (phone_report.published_at - phone_report.report.seen_at).total_seconds() for phone_report in sample
    ]
    hundredths = quantiles(delays_s, n=100)

    assert hundredths[9] == pytest.approx(120, rel=0.1)
    assert hundredths[49] == pytest.approx(1_200, rel=0.1)
    assert hundredths[89] == pytest.approx(4.2 * 3600, rel=0.1)
    assert hundredths[98] == pytest.approx(71 * 3600, rel=0.1)
    assert max(delays_s) <= 4.7 * 86_400 + 1


@pytest.mark.parametrize(("share", "delay_s"), protocol.PUBLISH_DELAY_QUANTILES_S)
def test_the_delay_at_each_published_share(share, delay_s):
    assert fleet.publish_delay_s(share) == pytest.approx(delay_s)


def test_a_plan_can_shorten_delays():
    real = _phone_reports(500, plan_changes={"started_at": "2026-01-01T00:00:00Z"})
    lively = _phone_reports(500, plan_changes={"started_at": "2026-01-01T00:00:00Z", "delay_scale": 0.1})

    for slow, fast in zip(real, lively, strict=True):
        expected_s = (slow.published_at - slow.report.seen_at).total_seconds() * 0.1
        delay_s = (fast.published_at - fast.report.seen_at).total_seconds()
        assert delay_s == pytest.approx(expected_s, abs=1e-4)


def test_the_backlog_is_published_just_after_the_start():
    plan = worlds.plan([worlds.tracker([PAIR])])
    backlog = list(
        takewhile(
            lambda phone_report: phone_report.report.seen_at < plan.started_at,
            fleet.phone_reports(plan, plan.trackers[0]),
        )
    )

    assert len(backlog) > 100
    for phone_report in backlog:
        assert timedelta(0) <= phone_report.published_at - plan.started_at <= timedelta(seconds=40)


def test_noise_fits_the_accuracy():
    sample = _phone_reports(6_000)
    within = sum(
        distance_m(phone_report.truth, (phone_report.report.latitude, phone_report.report.longitude))
        <= phone_report.report.accuracy_m
        for phone_report in sample
    )
    accuracies = [phone_report.report.accuracy_m for phone_report in sample]

    assert within / len(sample) == pytest.approx(0.68, abs=0.025)
    assert min(accuracies) == 10
    assert max(accuracies) == 255


@pytest.mark.parametrize(("least_m", "most_m", "confidence"), [(10, 115, 3), (116, 164, 2), (165, 255, 1)])
def test_confidence_goes_with_the_accuracy(least_m, most_m, confidence):
    found = {
        phone_report.report.confidence
        for phone_report in _phone_reports(3_000)
        if least_m <= phone_report.report.accuracy_m <= most_m
    }

    assert found == {confidence}


def test_speeds_on_the_road_are_as_planned():
    plan = worlds.plan([worlds.tracker([PAIR])])
    track = plan.trackers[0].track
    sample = [
        phone_report
        for phone_report in islice(fleet.phone_reports(plan, plan.trackers[0]), 400)
        if phone_report.report.seen_at <= plan.started_at
    ]
    speeds_kmh = [
        distance_m(one.truth, two.truth) / (two.report.seen_at - one.report.seen_at).total_seconds() * 3.6
        for one, two in pairwise(sample)
    ]

    assert max(speeds_kmh) <= 76
    assert sum(70 < speed < 76 for speed in speeds_kmh) >= 10
    assert sample[0].truth == track.origin
    assert sample[-1].truth == track.destination


def test_about_a_seventh_of_the_reports_are_repeats():
    copies = [phone_report.copies for phone_report in _phone_reports(10_000)]

    assert (sum(copies) - len(copies)) / sum(copies) == pytest.approx(0.14, abs=0.01)


def test_a_pool_of_keys_takes_turns():
    plan = worlds.plan([worlds.tracker([worlds.key_pair(number) for number in (1, 2, 3)])])
    sample = list(islice(fleet.phone_reports(plan, plan.trackers[0]), 500))

    assert {phone_report.key_index for phone_report in sample} == {0, 1, 2}
    for phone_report in sample:
        turn = int(phone_report.report.seen_at.timestamp()) // fleet.KEY_ROTATION_S
        assert phone_report.key_index == turn % 3


@pytest.mark.parametrize("battery", [None, *protocol.Battery])
def test_the_status_byte_tells_the_battery(battery):
    plan = worlds.plan([worlds.tracker([PAIR]) | {"battery": battery}])

    assert next(fleet.phone_reports(plan, plan.trackers[0])).report.battery is battery


def test_a_replay_is_thinned_and_ends():
    start_s = worlds.STARTED_AT.timestamp()
    moments_s = tuple(start_s + 20.0 * number for number in range(1_000))
    trace = Trace(moments_s, tuple((53.4 + number / 1e5, -2.9) for number in range(1_000)))
    tracker = PlannedTracker(PAIR.mac, (PAIR.advertisement_key,), None, trace)
    plan = worlds.plan([], median_gap_s=200)

    sample = list(fleet.phone_reports(plan, tracker))

    assert 30 < len(sample) < 200
    assert {phone_report.truth for phone_report in sample} <= set(trace.points)
    assert all(phone_report.report.seen_at.timestamp() in moments_s for phone_report in sample)
