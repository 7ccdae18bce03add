"""The one table of an order's states, and what repeats it for readers."""

import re
from pathlib import Path

from orders import lifecycle
from orders.admin.steps import STEPS
from orders.lifecycle import TRANSITIONS, OrderState
from orders.models import Order

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "orders.md").read_text()


def offered(state):
    return [step.name for step in STEPS if step.offered(Order(state=state))]


def test_transitions_are_those_that_were_agreed_on():
    assert TRANSITIONS == [
        ("DRAFT", "PLACED"),
        ("DRAFT", "CANCELLED"),
        ("PLACED", "ALLOCATED"),
        ("PLACED", "CANCELLED"),
        ("ALLOCATED", "PLACED"),
        ("ALLOCATED", "SHIPPED"),
        ("ALLOCATED", "CANCELLED"),
        ("SHIPPED", "FULFILLED"),
    ]


def test_docs_draw_the_transitions_that_there_are():
    drawn = re.findall(r"^ +([A-Z]+) --> ([A-Z]+):", DOCS, re.MULTILINE)
    assert {pair for pair in drawn if pair[0] != pair[1]} == set(TRANSITIONS)


def test_docs_list_the_steps_that_the_admin_offers():
    rows = re.findall(r"^\| ([A-Z]+) \|.*\| ([^|]+) \|$", DOCS, re.MULTILINE)
    assert [state for state, _ in rows] == OrderState.values
    for state, steps in rows:
        assert [step for step in re.split(r", ", steps) if step != "–"] == offered(state)


def test_admin_offers_what_the_services_do():
    for step in STEPS:
        assert [state for state in OrderState if step.offered(Order(state=state))] == list(
            getattr(lifecycle, step.name.upper()).comes_from
        )
