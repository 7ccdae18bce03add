"""The tables of states of batches and imports, and what goes by them."""

from keys import lifecycle
from keys.admin.batches import KeyBatchAdmin
from keys.admin.imports import DeviceImportAdmin
from keys.lifecycle import BatchState, ImportState
from keys.models import DeviceImport, KeyBatch


def pairs(text):
    return {tuple(pair.split(">")) for pair in text.split()}


def test_transitions_are_those_that_were_agreed_on():
    assert lifecycle.transitions(lifecycle.BATCH_STEPS) == pairs(
        "QUEUED>GENERATING QUEUED>GENERATED GENERATING>GENERATED QUEUED>CANCELLED GENERATING>CANCELLED CANCELLED>QUEUED"
    )
    assert lifecycle.transitions(lifecycle.IMPORT_STEPS) == pairs(
        "QUEUED>CHECKED QUEUED>IMPORTING CHECKED>IMPORTING CHECKED>QUEUED IMPORTING>DONE"
        " QUEUED>FAILED CHECKED>FAILED IMPORTING>FAILED QUEUED>CANCELLED CHECKED>CANCELLED IMPORTING>CANCELLED"
    )


def test_nothing_follows_what_has_ended():
    left = {before for before, _ in lifecycle.transitions(lifecycle.IMPORT_STEPS)}
    assert not left & set(lifecycle.ENDED_IMPORTS)


def test_admin_offers_what_the_services_do():
    offered = {step.name: step.offered for step in KeyBatchAdmin.steps}
    for name, step in (("cancel", lifecycle.CANCEL_BATCH), ("resume", lifecycle.RESUME)):
        assert tuple(state for state in BatchState if offered[name](KeyBatch(state=state))) == step.comes_from
    offered = {step.name: step.offered for step in DeviceImportAdmin.steps}
    for name, step in (("cancel", lifecycle.CANCEL_IMPORT), ("confirm", lifecycle.CONFIRM)):
        rows = {state: DeviceImport(state=state, valid=1) for state in ImportState}
        assert tuple(state for state, row in rows.items() if offered[name](row)) == step.comes_from
