"""Management commands use what they are given, or refuse it."""

import argparse
import io
import json
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command, get_commands, load_command_class

from foundation.commands import StrictCommand

OUR_APPS = {each.name for each in apps.get_app_configs() if Path(each.path).parent == Path(settings.BASE_DIR)}
OURS = sorted(name for name, app in get_commands().items() if app in OUR_APPS)
OURS_BY_HAND = {
    "export_keys",
    "generate_keys",
    "import_devices",
    "replay",
    "partitions",
    "verify_timelines",
    "bench",
}


def command(name):
    return load_command_class(get_commands()[name], name)


def options_of(name):
    parser = command(name).create_parser("manage.py", name)
    base = {each.dest for each in StrictCommand().create_parser("manage.py", "x")._actions}
    return parser, [each for each in parser._actions if each.option_strings and each.dest not in base]


def refusal(name, *arguments):
    with pytest.raises(CommandError) as raised:
        call_command(name, *arguments, stdout=io.StringIO(), stderr=io.StringIO())
    return str(raised.value)


def required(name):
    """Arguments without which the command says that something is missing."""
    parser, _ = options_of(name)
    given = []
    for each in parser._actions:
        if not each.option_strings and each.nargs is None:
            given.append("x")
        elif each.required:
            given += [each.option_strings[0], next(iter(each.choices or ["x"]))]
    return given


def test_commands_are_found():
    assert set(OURS) > OURS_BY_HAND


@pytest.mark.parametrize("name", OURS)
class TestWalk:
    def test_every_command_is_a_strict_one(self, name):
        assert isinstance(command(name), StrictCommand)

    def test_option_that_is_given_twice_is_refused(self, name):
        _, options = options_of(name)
        for each in options:
            if isinstance(each, argparse._AppendAction):
                continue
            value = [] if each.nargs == 0 else [next(iter(each.choices or ["1"]))]
            twice = [each.option_strings[0], *value] * 2
            assert f"{each.option_strings[0]} is given twice" in refusal(name, *required(name), *twice)

    def test_option_that_is_cut_short_or_unknown_is_refused(self, name):
        _, options = options_of(name)
        for each in options:
            cut = each.option_strings[0][:-1]
            assert "unrecognized arguments" in refusal(name, *required(name), f"{cut}=1")
        assert "unrecognized arguments" in refusal(name, *required(name), "--nonsense")

    def test_options_that_need_or_exclude_others_tell_whether_they_are_given(self, name):
        parser, _ = options_of(name)
        found = command(name)
        for option in {*found.needs, *found.excludes, *found.needs.values()}.union(*found.excludes.values()):
            assert parser.get_default(option) in (None, False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["partitions", "--dry-run"], "--dry-run does something only with --drop"),
        (["generate_keys", "--resume", "A", "--devices", "3"], "--devices would do nothing beside --resume"),
        (
            ["generate_keys", "--resume", "A", "--note", "x", "--label", "B"],
            "--label, --note would do nothing",
        ),
        (["generate_keys", "--resume", "A", "--keys-per-device", "1"], "--keys-per-device would do nothing"),
        (["bench", "--reports", "3"], "--reports does something only with --analytics"),
        (["bench", "--plans", "x"], "--plans does something only with --analytics"),
        (["bench", "--analytics", "3", "--rows", "9"], "--rows would do nothing beside --analytics"),
        (["findmy_gateway", "--plan", "x", "--fault", "empty=1", "--fault", "empty=0.5"], "each fault once"),
        (["verify_timelines", "--all", "--tracker", "C0:00:00:00:00:01"], "not allowed with"),
    ],
)
def test_options_that_would_do_nothing_are_refused(arguments, said):
    assert said in refusal(*arguments)


@pytest.mark.django_db
def test_what_would_be_dropped_is_told_as_json_where_that_is_asked_for():
    out = io.StringIO()
    call_command("partitions", "--drop", "--dry-run", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"would_be_dropped": []}


@pytest.mark.django_db
def test_batch_that_is_empty_by_mistake_does_not_mean_any_batch(tmp_path):
    path, err = tmp_path / "devices.csv", io.StringIO()
    path.write_text("mac,key\n")
    with pytest.raises(SystemExit):
        call_command("import_devices", str(path), "--batch=", stderr=err)
    assert "--batch is empty" in err.getvalue()


@pytest.mark.django_db
def test_batch_that_is_empty_by_mistake_is_not_made_anew():
    assert "no batch ''" in refusal("generate_keys", "--resume=")
