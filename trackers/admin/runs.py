"""Production runs: their dates and policy decide about history, so a change replays their trackers."""

from datetime import datetime
from typing import Any

from django.contrib import admin

from clients.admin.clients import ProductionRunAdmin
from clients.models import ProductionRun, User
from trackers.admin.previews import PreviewedAdmin
from trackers.models import ReplayJob
from trackers.services import queueing


@admin.register(ProductionRun)
class ReplayingRunAdmin(PreviewedAdmin, ProductionRunAdmin):
    def remember(self, pk: int) -> Any:
        return queueing.run_of(pk)

    def queue_replay(self, pk: int, before: Any, actor: User, now: datetime) -> ReplayJob | None:
        if before is None:
            return None
        return queueing.queue_run(run_id=pk, before=before, actor=actor, now=now)
