"""What people read uses the words of docs/glossary.md, and none that these replaced.

Walked are the texts of the API's schema, of models, admin, commands, errors and templates, the documentation, and what
programmers read: docstrings, comments and identifiers. Stored codes and the names of commands, options and settings
are not: they are for programs.
"""

import ast
import io
import re
import tokenize
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
# What no identifier is named after, and what to write instead. Here a stay is a noun.
REPLACED_NAMES = {
    "sighting": "report",
    "stay": "visit, status period",
    "evidence": "input",
    "concern": "affected",
    "horizon": "cutoff",
    "mend": "repair",
    "judge": "evaluate",
    "judgement": "evaluation",
    "judgment": "evaluation",
    "foretell": "estimate",
    "foretold": "estimated",
    "chargeable": "detention",
    "reconcile": "verify",
    "look": "evaluate",
}
# Names that mean something else, by where they are.
EXCUSED_NAMES: dict[str, tuple[str, ...]] = {
    # The names of a plan's file, and a stored code.
    "stay": (
        "simulation/demo/",
        "simulation/findmy/",
        "trackers/rules/anomalies.py LONG_STAY",
        "trackers/rules/episodes.py LONG_STAY",
        "trackers/models/alerts.py LONG_STAY",
        "trackers/admin/alerts.py LONG_STAY",
        # A status period, in statements that keep rollups and the trackers' rows.
        "trackers/sql/refresh_",
        "trackers/sql/status_periods_before.sql",
    ),
}
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


# In docstrings and comments alone: `behind` also says where something is.
IN_CODE = {
    ("", "behind"),
    ("", " replay "),
    ("trackers/services/history/", "so many"),
    ("trackers/services/history/", "So many"),
    ("trackers/services/history/cutoff.py", "from now on"),
    ("trackers/services/history/windows.py", "settle"),
}


def replaced_words(texts: Iterable[Text], *, excused: set[tuple[str, str]] | None = None) -> list[str]:
    """Each word found, with its place and what to write instead."""
    found = []
    for place, text in texts:
        for match in WORDS.finditer(text):
            is_replay = match[0].lower().startswith("replay")
            if is_replay and place.startswith(ABOUT_REPLAYS):
                continue
            if any(place.startswith(where) and what in text for where, what in EXCUSED | (excused or set())):
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


def in_code(path: Path) -> Iterator[Text]:
    """Docstrings and comments, also those above a statement in SQL."""
    place, source = path.relative_to(ROOT).as_posix(), path.read_text()
    if path.suffix == ".sql":
        yield from (Text(place, line) for line in source.splitlines() if line.lstrip().startswith("--"))
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield Text(place, str(node.value.value))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text(place, token.string)


def names_in(path: Path) -> Iterator[str]:
    """The names that a module gives or uses; of a statement in SQL, its own and those of tables and columns."""
    yield path.stem
    if path.suffix == ".sql":
        code = re.sub(r"--.*|'[^']*'", "", path.read_text())
        yield from re.findall(r"[a-z_]+", code)
        return
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.keyword(arg=str(name)):
                yield name


def replaced_names(place: str, names: Iterable[str]) -> list[str]:
    """Each name that has a replaced word in it, in any of its forms, and what to write instead."""
    found = []
    for name in sorted(set(names)):
        for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name):
            word = next((word for word in _stems(part.lower()) if word in REPLACED_NAMES), None)
            if word and not f"{place} {name}".startswith(EXCUSED_NAMES.get(word, ())):
                found.append(f"{place}: {name}: write {REPLACED_NAMES[word]}")
    return found


def _stems(word: str) -> Iterator[str]:
    """What the word may be a form of: looks, looked and looking are forms of look."""
    yield word
    for ending in ("s", "es", "ed", "d", "ing", "r"):
        yield word.removesuffix(ending)
        if ending == "ing":
            yield f"{word.removesuffix(ending)}e"


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
STATEMENTS = [path for app in OURS for path in sorted((ROOT / app).rglob("sql/*.sql"))]
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


@pytest.mark.parametrize("app", OURS)
def test_docstrings_and_comments_use_the_words_of_the_glossary(app: str) -> None:
    code = [path for path in (*PYTHON, *STATEMENTS) if path.is_relative_to(ROOT / app)]
    assert replaced_words((text for path in code for text in in_code(path)), excused=IN_CODE) == []


@pytest.mark.parametrize("app", OURS)
def test_identifiers_use_the_words_of_the_glossary(app: str) -> None:
    code = [path for path in (*PYTHON, *STATEMENTS) if path.is_relative_to(ROOT / app)]
    places = {path.relative_to(ROOT).as_posix(): names_in(path) for path in code}
    assert [said for place, names in places.items() for said in replaced_names(place, names)] == []


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
    ("name", "is_found"),
    [
        ("Sighting", True),
        ("first_sightings", True),
        ("STAYS_READ", True),
        ("LongStay", True),
        ("reconciling", True),
        ("looked_at", True),
        ("judged", True),
        ("mended", True),
        ("AffectedReports", False),
        ("outlook", False),
        ("commend", False),
        ("trends", False),
    ],
)
def test_replaced_word_is_found_in_a_name(name: str, is_found: bool) -> None:
    assert bool(replaced_names("somewhere.py", [name])) is is_found


def test_names_of_stored_codes_are_excused() -> None:
    assert replaced_names("trackers/models/alerts.py", ["LONG_STAY"]) == []
    assert replaced_names("trackers/models/history.py", ["LONG_STAY"]) != []


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
    """A word in each of them is found, and only in its own kind of text."""
    python = ROOT / "config" / "somewhere.py"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_text", lambda self: SAMPLES[self.suffix])
        assert len(replaced_words(in_python(python))) == 2
        assert len(replaced_words(in_template(ROOT / "templates" / "somewhere.html"))) == 2
        assert len(replaced_words(in_script(ROOT / "static" / "somewhere.js"))) == 1
        assert len(replaced_words(in_page(ROOT / "docs" / "somewhere.md"))) == 1
        assert len(replaced_words(in_code(python))) == 2
        assert len(replaced_words(in_code(ROOT / "trackers" / "sql" / "somewhere.sql"))) == 1
        assert len(replaced_names("config/somewhere.py", names_in(python))) == 1
        assert len(replaced_names("trackers/sql/somewhere.sql", names_in(ROOT / "somewhere.sql"))) == 1


SAMPLES = {
    ".py": (
        '"""The horizon."""\nhorizon = "horizon"  # A horizon.\n'
        'says = "the horizon"\nmore = f"{says} of the horizon"\n'
    ),
    ".sql": "-- The horizon.\nSELECT horizon_at, 'horizon' FROM somewhere\n",
    ".html": '{% if horizon %}<p title="The horizon" class="horizon">Behind it</p>{% endif %}',
    ".js": 'const horizon = "horizon";\nsay("the horizon");\n',
    ".md": "The horizon, or `horizon` in code.\n```\nthe horizon\n```\n",
}
