"""What ops do with single devices: steps for the trackers' list and pages, which `ops` adds to those of trackers."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from clients.models import User
from foundation.admin.steps import Rows, Step
from orders.admin.forms import ReasonForm
from orders.models import DeviceAllocation
from orders.services import releasing
from trackers import lifecycle
from trackers.admin import actions
from trackers.lifecycle import TrackerStep
from trackers.models import Tracker


def _performer(service: Callable[..., None], done: str) -> Callable[..., str]:
    def perform(rows: Rows, values: dict[str, Any], actor: User, now: datetime) -> str:
        service(tracker_ids=[row.pk for row in rows], now=now, actor=actor, reason=values["reason"])
        return f"{actions.count(rows)} {done}."

    return perform


def _explainer(what: str) -> Callable[[Rows], str]:
    """What happens, and how many of the trackers are taken from an order."""

    def explain(rows: Rows) -> str:
        held = DeviceAllocation.objects.open().filter(tracker__in=[row.pk for row in rows])
        orders = sorted({str(allocation.order) for allocation in held.select_related("order")})
        if not orders:
            return f"{what} No order holds any of them."
        taken = "1 is" if len(held) == 1 else f"{len(held)} are"
        return (
            f"{what} {taken} taken from {', '.join(orders)}: allocation and assignment end now, the client keeps what"
            " happened until then, and nothing is fetched any more."
        )

    return explain


def _possible(step: TrackerStep) -> Callable[[Tracker], bool]:
    return lambda tracker: tracker.state in step.comes_from


STEPS = (
    Step(
        name="return",
        title="Take back",
        button="Returned",
        icon="keyboard_return",
        explain=_explainer(
            "The devices are back from the client. Once checked, they can be returned to stock."
        ),
        perform=_performer(releasing.return_devices, "returned"),
        form_class=ReasonForm,
        offered=_possible(lifecycle.TAKE_BACK),
    ),
    Step(
        name="restock",
        title="Return to stock",
        button="Returned to stock",
        icon="inventory_2",
        explain=_explainer("The devices are available for orders again."),
        perform=_performer(releasing.restock_devices, "returned to stock"),
        form_class=ReasonForm,
        offered=_possible(lifecycle.RESTOCK),
    ),
    Step(
        name="lose",
        title="Report lost",
        button="Lost",
        icon="location_off",
        explain=_explainer("Nobody knows where the devices are. If one turns up, take it back."),
        perform=_performer(releasing.report_lost, "reported lost"),
        form_class=ReasonForm,
        offered=_possible(lifecycle.REPORT_LOST),
        dangerous=True,
    ),
    Step(
        name="retire",
        title="Retire",
        button="Retire",
        icon="delete_forever",
        explain=_explainer("The devices are out of use for good; there is no way back."),
        perform=_performer(releasing.retire_devices, "retired"),
        form_class=ReasonForm,
        offered=_possible(lifecycle.RETIRE),
        dangerous=True,
    ),
)
