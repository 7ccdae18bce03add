"""Management commands that use what they are given, or refuse it: the base of all of ours.

An option that is given twice, of which argparse keeps the last, one whose name is cut short, and one that does nothing
beside another are errors.
"""

import argparse
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser


class _Once(argparse.Action):
    """Stores a value, but not a second one over it."""

    given = False

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        if self.given and option_string:
            parser.error(f"{option_string} is given twice: give it once.")
        self.given = True
        setattr(namespace, self.dest, self.stored(values))

    def stored(self, values: Any) -> Any:
        return values


class _OnceTrue(_Once):
    def __init__(self, option_strings: Any, dest: str, default: bool = False, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, default=default, **options)

    def stored(self, values: Any) -> Any:
        return True


class StrictCommand(BaseCommand):
    """An option in `needs` or `excludes` has a default that nobody can give, such as None or False.

    needs: the option that each of these does nothing without. excludes: the options that do nothing beside it.
    """

    needs: ClassVar[Mapping[str, str]] = {}
    excludes: ClassVar[Mapping[str, Collection[str]]] = {}

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, allow_abbrev=False, **kwargs)

    def add_base_argument(self, parser: CommandParser, *args: Any, **kwargs: Any) -> None:
        """Django's own arguments come first, so that this is before any of ours."""
        for action, once in ((None, _Once), ("store", _Once), ("store_true", _OnceTrue)):
            parser.register("action", action, once)
        super().add_base_argument(parser, *args, **kwargs)

    def execute(self, *args: Any, **options: Any) -> str | None:
        for name, other in self.needs.items():
            if _is_given(options[name]) and not _is_given(options[other]):
                raise CommandError(f"{_option(name)} does something only with {_option(other)}: give both.")
        for name, others in self.excludes.items():
            useless = [_option(other) for other in others if _is_given(options[other])]
            if _is_given(options[name]) and useless:
                raise CommandError(
                    f"{', '.join(useless)} would do nothing beside {_option(name)}: leave it out."
                )
        return super().execute(*args, **options)


def _is_given(value: Any) -> bool:
    return value is not None and value is not False


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
