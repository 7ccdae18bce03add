"""The arithmetic of the maps, tested by Node's own runner; each file is one test here, and has to run some."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FILES = sorted(HERE.glob("*.test.mjs"))
MODULES = sorted((ROOT / "static" / "maps").glob("*.mjs"))
TIMEOUT_S = 60


def run_node(file: Path) -> tuple[int, str]:
    node = shutil.which("node")
    assert node, "node is missing: bin/setup --dev installs it"
    done = subprocess.run(
        [node, "--test", "--test-reporter=tap", str(file)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def passed(output: str) -> int:
    found = re.search(r"^# pass (\d+)$", output, re.MULTILINE)
    return int(found[1]) if found else 0


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_arithmetic_of_the_maps(file: Path) -> None:
    code, output = run_node(file)
    assert code == 0, output
    assert passed(output) >= len(re.findall(r'^test\("', file.read_text(), re.MULTILINE)) > 0, output


def test_every_module_of_arithmetic_has_tests() -> None:
    assert MODULES
    assert [file.name for file in FILES] == [f"{module.stem}.test.mjs" for module in MODULES]


def test_modules_of_arithmetic_know_neither_page_nor_map() -> None:
    for module in MODULES:
        assert not re.search(r"\b(document|window|fetch|import)\b[.( ]", module.read_text()), module.name


@pytest.mark.parametrize(
    "source",
    [
        'import { test } from "node:test"; test("no", () => { throw new Error("wrong"); });',
        "throw new Error('before any test');",
        "no JavaScript",
    ],
)
def test_failure_is_noticed(tmp_path: Path, source: str) -> None:
    (tmp_path / "failing.test.mjs").write_text(source)
    code, _ = run_node(tmp_path / "failing.test.mjs")
    assert code != 0
