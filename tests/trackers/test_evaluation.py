"""The law of alerts: what is stored at the end depends neither on the order of arrival nor on how many evaluations."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.factories import NOW
from tests.laws import law
from tests.trackers.test_anomalies import AMSTERDAM, ATHENS, BERLIN, LEGS, THRESHOLDS
from trackers.rules.anomalies import GAPS_FOR_RHYTHM, EvaluatedReport, SeenHour, StatusPeriod
from trackers.rules.episodes import Episode, Kind, Stored
from trackers.rules.evaluation import EvaluationInput, Span, evaluate

HOUR = timedelta(hours=1)
SPAN = Span(NOW, NOW + timedelta(days=60), watched=True)
END = NOW + timedelta(days=50)
TIGHT = THRESHOLDS._replace(silent_min=3 * HOUR, silent_factor=2)

reports = st.builds(
    lambda hours, place, battery, abroad: EvaluatedReport(NOW + hours * HOUR, *place, 20.0, battery, abroad),
    st.integers(0, 240),
    st.sampled_from([AMSTERDAM, AMSTERDAM, BERLIN, ATHENS]),
    st.sampled_from(["FULL", "", "LOW"]),
    st.sampled_from(["FR", "ES", "", None]),
)


class Store:
    """Stands for the tables: what has arrived so far, and the alerts."""

    def __init__(self) -> None:
        self.seen: list[EvaluatedReport] = []
        self.alerts: list[Stored] = []
        self.last_id = 0

    def evaluate(
        self,
        changed_since: datetime,
        now: datetime,
        periods: tuple[StatusPeriod, ...] = (),
        span: Span = SPAN,
    ) -> int:
        """As the service does; returns how many differences it found."""
        ordered = sorted(self.seen, key=lambda each: each.seen_at)
        earlier = [each for each in ordered if each.seen_at < changed_since][-2:]
        hours = [SeenHour(each.seen_at, each.seen_at) for each in ordered]
        given = EvaluationInput(
            reports=[*earlier, *(each for each in ordered if each.seen_at >= changed_since)],
            before=[hour for hour in hours if hour.last_seen_at < changed_since][-GAPS_FOR_RHYTHM - 1 :],
            hours=[hour for hour in hours if hour.last_seen_at >= changed_since],
            periods=periods,
            periods_are_cut=False,
            stored=self.alerts,
        )
        found = evaluate(given, span, legs=LEGS, thresholds=TIGHT, now=now).differences
        changed = {row.id: row for row in found.to_change}
        kept = [changed.get(row.id, row) for row in self.alerts if row.id not in found.to_retract]
        for episode in found.to_add:
            self.last_id += 1
            kept.append(Stored(self.last_id, episode))
        self.alerts = kept
        return len(found.to_retract) + len(found.to_change) + len(found.to_add)

    def episodes(self) -> set[Episode]:
        return {row.episode for row in self.alerts}


def evaluated_once(seen: list[EvaluatedReport]) -> Store:
    store = Store()
    store.seen = list(seen)
    store.evaluate(NOW, END)
    return store


@law(300)
@given(st.lists(reports, max_size=30, unique_by=lambda each: each.seen_at), st.data())
def test_the_order_of_arrival_and_the_number_of_evaluations_do_not_matter(seen, data) -> None:
    arriving = data.draw(st.permutations(seen))
    store = Store()
    while arriving:
        size = data.draw(st.integers(1, len(arriving)))
        batch, arriving = arriving[:size], arriving[size:]
        store.seen += batch
        first = min(each.seen_at for each in batch)
        now = data.draw(st.sampled_from([max(each.seen_at for each in store.seen), END]))
        store.evaluate(first, now)
    store.evaluate(END, END)
    assert store.episodes() == evaluated_once(seen).episodes()


@law(100)
@given(st.lists(reports, max_size=30, unique_by=lambda each: each.seen_at), st.integers(0, 240))
def test_evaluating_again_changes_nothing(seen, hours) -> None:
    store = evaluated_once(seen)
    assert store.evaluate(NOW + hours * HOUR, END) == 0
    assert store.evaluate(END, END) == 0


@law(100)
@given(st.lists(reports, max_size=30, unique_by=lambda each: each.seen_at))
def test_one_alert_of_a_kind_at_most_is_open(seen) -> None:
    open_ = [each.kind for each in evaluated_once(seen).episodes() if each.ended_at is None]
    assert len(open_) == len(set(open_))


def test_a_late_report_closes_an_alert() -> None:
    store = Store()
    store.seen = [EvaluatedReport(NOW + i * HOUR, *AMSTERDAM, 20, "") for i in range(10)]
    store.evaluate(NOW, NOW + 20 * HOUR)
    [alert] = store.alerts
    assert (alert.episode.kind, alert.episode.ended_at) == (Kind.SILENT, None)
    store.seen += [EvaluatedReport(NOW + 13 * HOUR, *AMSTERDAM, 20, "")]
    store.evaluate(NOW + 13 * HOUR, NOW + 15 * HOUR)
    assert [(row.id, row.episode.ended_at) for row in store.alerts] == [(alert.id, NOW + 13 * HOUR)]
    store.seen += [EvaluatedReport(NOW + 11 * HOUR, *AMSTERDAM, 20, "")]
    store.evaluate(NOW + 11 * HOUR, NOW + 15 * HOUR)
    assert not store.alerts


def test_alerts_end_with_the_assignment() -> None:
    over = Span(NOW, NOW + 20 * HOUR, watched=True)
    store = Store()
    store.seen = [EvaluatedReport(NOW + i * HOUR, *AMSTERDAM, 20, "LOW") for i in range(10)]
    store.evaluate(NOW, NOW + 12 * HOUR, span=over)
    store.evaluate(END, END, span=over)
    assert {(row.episode.kind, row.episode.ended_at) for row in store.alerts} == {
        (Kind.BATTERY_LOW, over.until),
        (Kind.SILENT, over.until),
    }
    assert store.evaluate(END, END, span=over) == 0


def test_silence_of_a_tracker_that_nobody_fetches_ends() -> None:
    store = Store()
    store.evaluate(NOW, NOW + 100 * HOUR)
    [alert] = store.alerts
    assert alert.episode.kind == Kind.NEVER_REPORTED
    store.evaluate(END, NOW + 120 * HOUR, span=SPAN._replace(watched=False))
    assert store.alerts[0].episode.ended_at == NOW + 120 * HOUR
    assert store.evaluate(END, END, span=SPAN._replace(watched=False)) == 0
