"""Alerts of those whose assignments one may see."""

from django.db.models import Count, QuerySet

from locations.models import SHAPE_OF_LOCATION
from trackers.models import Alert, Assignment
from trackers.models.alerts import AlertQuerySet


def for_page(alerts: QuerySet[Alert]) -> QuerySet[Alert]:
    """With what a list shows of them."""
    return alerts.select_related("tracker", "location", "assignment__run__brand__client").defer(
        *SHAPE_OF_LOCATION
    )


def newest(alerts: AlertQuerySet, limit: int) -> list[Alert]:
    """Those that last first, then by their beginning; only valid ones. Only for these is read what is shown."""
    ids = list(alerts.open().order_by("-began_at", "-pk").values_list("pk", flat=True)[:limit])
    if len(ids) < limit:
        ended = alerts.valid().filter(ended_at__isnull=False).order_by("-ended_at", "-pk")
        ids += ended.values_list("pk", flat=True)[: limit - len(ids)]
    found = for_page(Alert.objects.filter(pk__in=ids)).in_bulk()
    return [found[pk] for pk in ids if pk in found]


def under(alerts: AlertQuerySet, assignments: QuerySet[Assignment]) -> AlertQuerySet:
    return alerts.filter(assignment__in=assignments.values("pk"))


def open_by_kind(alerts: AlertQuerySet) -> dict[str, int]:
    """How many there are to act on."""
    counted = alerts.to_act_on().order_by().values("kind").annotate(number=Count("pk"))
    return dict(counted.values_list("kind", "number"))
