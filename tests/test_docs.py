"""The documentation agrees with the code: variables, links, paths, addresses, and the example of `replay`."""

import ast
import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import resolve

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")})
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
APPS = (
    "config|simulation|ops|ingestion|orders|keys|trackers|locations|outbox|clients|foundation"
    "|tests|docs|bin|basemap|static|templates"
)
PATH = re.compile(rf"`((?:{APPS})/[\w./-]*\w)`")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def settings_defaults() -> dict[str, Any]:
    """Each variable that the settings read, with its default; None where that is computed."""
    defaults: dict[str, Any] = {}
    for node in ast.walk(ast.parse((ROOT / "config" / "settings.py").read_text())):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="env")), args=[ast.Constant(value=name), *_]):
                (default,) = [keyword.value for keyword in node.keywords if keyword.arg == "default"]
                value = default.value if isinstance(default, ast.Constant) else None
                defaults.setdefault(name, value)
    return defaults


def written(value: Any) -> str:
    """A default as people write it: `true`, `120`, `2.5`, `glimpse:`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def readme_table() -> dict[str, str]:
    """The default column of the README's table, by variable."""
    table = (ROOT / "README.md").read_text().split("## Configuration")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \| .+ \| (.+) \|$", table, re.MULTILINE)
    assert len(rows) == len(dict(rows)), "a variable is listed twice"
    return dict(rows)


def env_example() -> dict[str, tuple[bool, str]]:
    """Whether a variable is commented out, and its value."""
    text = (ROOT / ".env.example").read_text()
    rows = re.findall(r"^(#?)([A-Z0-9_]+)=(.*)$", text, re.MULTILINE)
    return {name: (bool(comment), value) for comment, name, value in rows}


def test_readme_lists_the_variables_of_the_settings() -> None:
    assert readme_table().keys() == settings_defaults().keys()


def test_env_example_lists_the_variables_of_the_settings() -> None:
    assert env_example().keys() == settings_defaults().keys()


@pytest.mark.parametrize(("name", "default"), settings_defaults().items())
def test_defaults_are_those_of_the_settings(name: str, default: Any) -> None:
    """Where a default is computed, or needs words, the table has words."""
    told = readme_table()[name]
    if told.startswith("`"):
        assert told == f"`{written(default)}`"
    is_comment, value = env_example()[name]
    if is_comment and value and default is not None:
        assert value == written(default)


@pages
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCED.sub("", page.read_text())
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("http://", "https://", "#")):
            assert (page.parent / target.partition("#")[0]).exists(), target


@pages
def test_paths_exist(page: Path) -> None:
    """In backticks, from the root of the repository; placeholders have angle brackets."""
    for path in PATH.findall(FENCED.sub("", page.read_text())):
        assert (ROOT / path).exists(), path


@pages
def test_commands_exist(page: Path) -> None:
    for command in re.findall(r"\bbin/[a-z][\w-]*", page.read_text()):
        assert (ROOT / command).exists(), command


def test_addresses_of_the_api_exist() -> None:
    for path in set(re.findall(r"/api/v1/[\w:.@/-]*", (ROOT / "docs" / "api.md").read_text())):
        assert path == "/api/v1/" or resolve(path).url_name != "unknown", path


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))
    for number, path in zip(numbers, DECISIONS, strict=True):
        assert path.read_text().startswith(f"# {number}. "), path.name


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_decisions_have_their_parts(path: Path) -> None:
    headings = re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE)
    assert [each for each in headings if each != "Considered"] == ["Context", "Decision", "Consequences"]


def replay_example() -> tuple[str, dict[str, Any]]:
    """The world and what comes out: the two blocks of JSON in docs/timeline.md."""
    blocks = FENCED.findall((ROOT / "docs" / "timeline.md").read_text())
    world, outcome = [body for language, body in blocks if language == "json"]
    return world, json.loads(outcome)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "options", ["", "--order=event", "--order=shuffle:3 --batch=1", "--late=0.5:1"], ids=str
)
def test_replay_gives_what_its_documentation_says(options: str, tmp_path: Path) -> None:
    world, outcome = replay_example()
    path = tmp_path / "world.json"
    path.write_text(world)
    out = StringIO()
    call_command("replay", str(path), *options.split(), stdout=out)
    assert json.loads(out.getvalue()) == outcome


def test_replay_refuses_what_its_documentation_says(tmp_path: Path) -> None:
    world, _ = replay_example()
    path = tmp_path / "world.json"
    path.write_text(world.replace('"accuracy_m": 900', '"acuracy_m": 900'))
    said = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("replay", str(path), stderr=said)
    assert end.value.code == 2
    line = said.getvalue().strip().rpartition("/")[2]
    assert line in (ROOT / "docs" / "timeline.md").read_text().splitlines()


def test_images_are_small_and_used() -> None:
    text = "".join(page.read_text() for page in PAGES)
    for image in (ROOT / "docs" / "images").iterdir():
        assert f"images/{image.name}" in text, image.name
        assert image.stat().st_size < 300_000, image.name
