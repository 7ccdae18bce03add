"""The states of key batches and of device imports, and the steps between them, said once: the services and the admin's
buttons go by these tables."""

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

from django.db import models

State = TypeVar("State", bound=models.TextChoices)


class BatchState(models.TextChoices):
    QUEUED = "QUEUED", "Queued"
    GENERATING = "GENERATING", "Generating"
    GENERATED = "GENERATED", "Generated"
    CANCELLED = "CANCELLED", "Cancelled"


class ImportState(models.TextChoices):
    QUEUED = "QUEUED", "Being checked"
    CHECKED = "CHECKED", "Checked"
    IMPORTING = "IMPORTING", "Importing"
    DONE = "DONE", "Imported"
    FAILED = "FAILED", "Failed"
    CANCELLED = "CANCELLED", "Cancelled"


class Step(NamedTuple, Generic[State]):
    """What may be done in one of the states `comes_from`; once it is done, the row `becomes` that."""

    comes_from: tuple[State, ...]
    becomes: State


# A worker goes on with these.
GENERATE = Step((BatchState.QUEUED, BatchState.GENERATING), BatchState.GENERATING)
COMPLETE = Step(GENERATE.comes_from, BatchState.GENERATED)
CANCEL_BATCH = Step(GENERATE.comes_from, BatchState.CANCELLED)
RESUME = Step((BatchState.CANCELLED,), BatchState.QUEUED)
BATCH_STEPS = (GENERATE, COMPLETE, CANCEL_BATCH, RESUME)

CHECK = Step((ImportState.QUEUED,), ImportState.CHECKED)
# An import that was confirmed when it came, or is checked again.
CHECK_AND_IMPORT = Step((ImportState.QUEUED,), ImportState.IMPORTING)
CONFIRM = Step((ImportState.CHECKED,), ImportState.IMPORTING)
# Devices whose MAC was accepted with the confirmation are checked once more.
CONFIRM_AND_CHECK = Step((ImportState.CHECKED,), ImportState.QUEUED)
FINISH = Step((ImportState.IMPORTING,), ImportState.DONE)
FAIL = Step((ImportState.QUEUED, ImportState.CHECKED, ImportState.IMPORTING), ImportState.FAILED)
CANCEL_IMPORT = Step(FAIL.comes_from, ImportState.CANCELLED)
IMPORT_STEPS = (CHECK, CHECK_AND_IMPORT, CONFIRM, CONFIRM_AND_CHECK, FINISH, FAIL, CANCEL_IMPORT)

# Workers have something to do in these.
UNFINISHED_IMPORTS = (ImportState.QUEUED, ImportState.IMPORTING)
ENDED_IMPORTS = (FINISH.becomes, FAIL.becomes, CANCEL_IMPORT.becomes)


def transitions(steps: Iterable[Step[State]]) -> set[tuple[State, State]]:
    """From, to: all changes of state that these steps make."""
    return {(before, step.becomes) for step in steps for before in step.comes_from if before != step.becomes}
