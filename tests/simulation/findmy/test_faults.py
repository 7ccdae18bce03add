import pytest

from simulation.findmy.faults import Fault, FaultBox, FaultError, parse_fault


def test_a_count_is_met_by_the_next_requests():
    box = FaultBox(1)
    box.set({"throttled": 2})

    assert [box.take() for _ in range(3)] == [Fault.THROTTLED, Fault.THROTTLED, None]


def test_a_rate_is_met_by_its_share_and_is_repeatable():
    runs = []
    for _ in range(2):
        box = FaultBox(1)
        box.set({"empty": 0.25})
        runs.append([box.take() for _ in range(2_000)])

    assert runs[0] == runs[1]
    assert runs[0].count(Fault.EMPTY) == pytest.approx(500, rel=0.15)
    assert set(runs[0]) == {Fault.EMPTY, None}


def test_one_request_meets_one_fault():
    box = FaultBox(1)
    box.set({"slow": 1, "unauthorized": 1})

    assert [box.take() for _ in range(3)] == [Fault.UNAUTHORIZED, Fault.SLOW, None]


def test_zero_takes_a_fault_back():
    box = FaultBox(1)
    box.set({"empty": 1.0, "slow": 4})
    box.set({"empty": 0})

    assert box.pending() == {"slow": 4}


@pytest.mark.parametrize(
    "faults", [{"fire": 1}, {"empty": -1}, {"empty": 1.5}, {"empty": True}, {"empty": "1"}]
)
def test_nonsense_changes_nothing(faults):
    box = FaultBox(1)

    with pytest.raises(FaultError):
        box.set({"slow": 1} | faults)
    assert box.pending() == {}


@pytest.mark.parametrize(
    ("text", "parsed"),
    [("empty=3", ("empty", 3)), ("empty=0.1", ("empty", 0.1)), ("bad_tag=1.0", ("bad_tag", 1.0))],
)
def test_options_are_read(text, parsed):
    assert parse_fault(text) == parsed
    assert type(parse_fault(text)[1]) is type(parsed[1])


@pytest.mark.parametrize("text", ["empty", "empty=", "empty=x", "empty=1.5", "empty=-1", "fire=1"])
def test_options_that_make_no_sense(text):
    with pytest.raises(FaultError):
        parse_fault(text)
