"""The laws are tried with all of their examples in CI, and quickly at the desk."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import settings

from tests import laws

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("in_ci", "hunt", "examples"), [(True, 1, 300), (False, 1, 30), (True, 20, 6000), (False, 2, 60)]
)
def test_law_is_tried_with_a_tenth_unless_in_ci(
    monkeypatch: pytest.MonkeyPatch, in_ci: bool, hunt: int, examples: int
) -> None:
    monkeypatch.setattr(laws, "IN_CI", in_ci)
    monkeypatch.setattr(laws, "HUNT", hunt)
    assert laws.law(300).max_examples == examples


def test_law_without_a_number_follows_the_profile() -> None:
    assert settings.default.max_examples == (100 if laws.IN_CI else 10)
    assert settings.default.deadline is None


def test_ci_tries_the_timeline_law_in_three_hundred_worlds() -> None:
    source = (ROOT / "tests/trackers/test_timeline_law.py").read_text()
    numbers = [int(number) for number in re.findall(r"@law\((\d+)\)", source)]
    assert max(numbers) >= 300
    assert re.search(r"^export CI=true$", (ROOT / ".ci/run").read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    ("value", "in_ci"), [("true", "True"), ("1", "True"), ("false", "False"), ("", "False")]
)
def test_ci_is_told_by_the_environment(value: str, in_ci: str) -> None:
    told = subprocess.run(
        [ROOT / ".venv/bin/python", "-c", "from tests import laws; print(laws.IN_CI)"],
        cwd=ROOT,
        env={**os.environ, "CI": value},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == in_ci


def test_no_law_sets_its_examples_elsewhere() -> None:
    """Requests to the API are the same ones in each run, and are counted there."""
    own = re.compile(r"max_examples|settings\.load_profile")
    found = {path.name for path in ROOT.glob("tests/**/test_*.py") if own.search(path.read_text())}
    assert found <= {"test_schema.py", "test_laws.py"}
