"""What people read uses the words of docs/glossary.md, and none that these replaced.

Walked are the texts of the API's schema, of models, admin, commands, errors and templates, and the documentation.
Identifiers, stored codes and the names of commands, options and settings are not: they are for programs.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from django.apps import apps
from drf_spectacular.generators import SchemaGenerator

ROOT = Path(__file__).resolve().parents[1]
OURS = (
    "config", "simulation", "ops", "ingestion", "orders", "keys",
    "trackers", "locations", "outbox", "clients", "foundation",
)  # fmt: skip
# What is not to be read, and what to write instead.
REPLACED = {
    r"mend(s|ed|ing)?": "repair, fix",
    r"fore(tell|tells|told)": "estimate",
    r"(stand|stands|stood) still": "does not run",
    r"sign of life|state of life": "heartbeat; lifecycle state",
    r"(take|takes|taken|taking|put) (\w+ ){0,3}into stock": "receive, return to stock",
    r"the whole way": "lifecycle",
    r"so many": "this many, a number",
    r"judge?ment": "evaluation",
    r"(looked|looks) at again|trackers looked at": "evaluate",
    r"open(s|ed|ing)? (a|an|each|the|its)? ?payloads?": "decrypt",
    r"horizon": "retention cutoff",
    r"sightings?": "report",
    r"(a|an|the|each|every|no|this|its|whole|long|longer) stay|of stays": "visit, status period",
    r"stays (that|seen|near|here|retracted|added)": "visits, status periods",
    r"replay(s|ed|ing)?": "recompute",
    r"from (now|then|here|today|when|\S+ UTC) on": "since, after",
    r"behind": "after",
    r"chargeable": "detention",
    r"(is|are|those|trackers|it) concern(s|ed)": "affected",
    r"cools? down": "cooling down",
    r"silent at one place": "outage of a site",
    r"silences": "empty fetches",
    r"settle(s|d)?": "acknowledge, complete",
}
WORDS = re.compile(
    "|".join(rf"(?P<w{number}>\b(?:{word})\b)" for number, word in enumerate(REPLACED)), re.IGNORECASE
)
INSTEAD = list(REPLACED.values())
# A replay feeds a recorded world through the pipeline: these are about it.
ABOUT_REPLAYS = (
    "trackers/management/commands/replay",
    "trackers/replay/",
    "simulation/findmy/",
    "keys/management/commands/replay",
)
SQL = re.compile(
    r"\s*(SELECT|INSERT|WITH|UPDATE|DELETE|CREATE|SET|LOCK|ALTER|DROP|EXPLAIN|ANALYZE|VACUUM)\b|\(SELECT"
)


class Text(NamedTuple):
    place: str
    text: str


# Where such a word means something else.
EXCUSED: set[tuple[str, str]] = {
    ("model trackers.LocationReport.source", "Replay"),
    ("model trackers.RejectedReport.source", "Replay"),
    ("schema", "REPLAY"),
    ("docs/glossary.md", "| replay |"),
}


def replaced_words(texts: Iterable[Text]) -> list[str]:
    """Each word found, with its place and what to write instead."""
    found = []
    for place, text in texts:
        for match in WORDS.finditer(text):
            is_replay = match[0].lower().startswith("replay")
            if is_replay and place.startswith(ABOUT_REPLAYS):
                continue
            if any(place.startswith(where) and what in text for where, what in EXCUSED):
                continue
            instead = INSTEAD[int((match.lastgroup or "w0")[1:])]
            found.append(f"{place}: {match[0]!r} in {text.strip()[:120]!r}: write {instead}")
    return found


def in_schema(node: object) -> Iterator[Text]:
    """Summaries and descriptions of the API, wherever they are."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name in ("description", "summary", "title") and isinstance(value, str):
                yield Text("schema", value)
            else:
                yield from in_schema(value)
    elif isinstance(node, list):
        for value in node:
            yield from in_schema(value)


def in_models() -> Iterator[Text]:
    for model in apps.get_models():
        if not model.__module__.startswith(OURS):
            continue
        yield Text(
            f"model {model._meta.label}", f"{model._meta.verbose_name}; {model._meta.verbose_name_plural}"
        )
        for field in model._meta.get_fields():
            place = f"model {model._meta.label}.{field.name}"
            yield Text(place, f"{getattr(field, 'verbose_name', '')}; {getattr(field, 'help_text', '')}")
            for _, label in getattr(field, "flatchoices", ()):
                yield Text(place, str(label))


def _docstrings(tree: ast.AST) -> set[int]:
    """Also those that stand below a constant or a field."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def in_python(path: Path) -> Iterator[Text]:
    """Strings with a space in them: messages, help, labels, log texts. Neither docstrings nor SQL."""
    tree = ast.parse(path.read_text())
    passed = _docstrings(tree)
    place = path.relative_to(ROOT).as_posix()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            passed |= {id(value) for value in node.values}
            text = "".join(str(it.value) if isinstance(it, ast.Constant) else "…" for it in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
            text = node.value
        else:
            continue
        if " " in text.strip() and not SQL.search(text):
            yield Text(place, text)


def in_template(path: Path) -> Iterator[Text]:
    """The text between tags, and that of the attributes which are shown or read aloud."""
    source = path.read_text()
    source = re.sub(
        r"{% comment %}.*?{% endcomment %}|{%.*?%}|{{.*?}}|<!--.*?-->", "…", source, flags=re.DOTALL
    )
    place = path.relative_to(ROOT).as_posix()
    for text in re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', source):
        yield Text(place, text)
    yield Text(place, re.sub(r"<[^>]*>", " ", source))


def in_script(path: Path) -> Iterator[Text]:
    place = path.relative_to(ROOT).as_posix()
    for text in re.findall(r'"([^"\n]* [^"\n]*)"|`([^`]* [^`]*)`', path.read_text()):
        yield Text(place, "".join(text))


def in_page(path: Path) -> Iterator[Text]:
    """A page of the documentation without its code."""
    text = re.sub(r"^```.*?^```|`[^`\n]*`|\]\([^)]*\)", "…", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    place = path.relative_to(ROOT).as_posix()
    for line in text.splitlines():
        yield Text(place, line)


PYTHON = [
    path for app in OURS for path in sorted((ROOT / app).rglob("*.py")) if "migrations" not in path.parts
]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted(
    [*(ROOT / "static" / "maps").glob("*.js"), *(ROOT / "static" / "admin-glimpse").glob("*.js")]
)
# Decisions and figures of measurements tell what was known on their day.
PAGES = sorted(
    {*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("*/README.md"), ROOT / ".env.example"}
)


def test_api_descriptions_use_the_words_of_the_glossary() -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    texts = list(in_schema(schema))
    assert len(texts) > 300
    assert replaced_words(texts) == []


def test_models_use_the_words_of_the_glossary() -> None:
    texts = list(in_models())
    assert len(texts) > 300
    assert replaced_words(texts) == []


@pytest.mark.parametrize("app", OURS)
def test_messages_and_help_use_the_words_of_the_glossary(app: str) -> None:
    texts = [text for path in PYTHON if path.is_relative_to(ROOT / app) for text in in_python(path)]
    assert replaced_words(texts) == []


def test_templates_use_the_words_of_the_glossary() -> None:
    assert len(TEMPLATES) > 20
    assert replaced_words(text for path in TEMPLATES for text in in_template(path)) == []


def test_scripts_use_the_words_of_the_glossary() -> None:
    assert len(SCRIPTS) >= 6
    assert replaced_words(text for path in SCRIPTS for text in in_script(path)) == []


def test_documentation_uses_the_words_of_the_glossary() -> None:
    assert replaced_words(text for path in PAGES for text in in_page(path)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3 histories differed and were mended", "mended"),
        ("fetch stands still: no heartbeat", "stands still"),
        ("Valid rows are taken into stock", "taken into stock"),
        ("Take returned ones into stock.", "Take returned ones into stock"),
        ("Not seen for so many hours", "so many"),
        ("A change queues the replay", "replay"),
        ("The stay that was in force", "The stay"),
        ("Stays that began before this time.", "Stays that"),
        ("Reports from then on belong to no run.", "from then on"),
        ("Its state of life.", "state of life"),
        ("All accounts cool down", "cool down"),
    ],
)
def test_replaced_word_is_found(text: str, found: str) -> None:
    [said] = replaced_words([Text("somewhere", text)])
    assert repr(found) in said


@pytest.mark.parametrize(
    "text",
    [
        "What was recomputed stays.",
        "A brand stays with its client.",
        "An amendment was recommended.",
        "The account is cooling down.",
    ],
)
def test_other_uses_are_left_alone(text: str) -> None:
    assert replaced_words([Text("somewhere", text)]) == []


def test_each_kind_of_text_is_read(tmp_path: Path) -> None:
    """A word in each of them is found; in docstrings, code and names it is not looked for."""
    python = ROOT / "config" / "somewhere.py"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_text", lambda self: SAMPLES[self.suffix])
        assert len(replaced_words(in_python(python))) == 2
        assert len(replaced_words(in_template(ROOT / "templates" / "somewhere.html"))) == 2
        assert len(replaced_words(in_script(ROOT / "static" / "somewhere.js"))) == 1
        assert len(replaced_words(in_page(ROOT / "docs" / "somewhere.md"))) == 1


SAMPLES = {
    ".py": '"""The horizon."""\nname = "horizon"\nsays = "the horizon"\nmore = f"{says} of the horizon"\n',
    ".html": '{% if horizon %}<p title="The horizon" class="horizon">Behind it</p>{% endif %}',
    ".js": 'const horizon = "horizon";\nsay("the horizon");\n',
    ".md": "The horizon, or `horizon` in code.\n```\nthe horizon\n```\n",
}
