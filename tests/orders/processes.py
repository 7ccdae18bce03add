"""What the processes of the test of concurrency do. Nothing of Django is imported before it is set up there."""


def connect(database: str) -> None:
    """A process of its own begins: it works on the test's database."""
    import django

    django.setup()
    from django.db import connections

    connections["default"].settings_dict["NAME"] = database


def allocate(order_ids: list[int]) -> int:
    """Allocate these orders, one after the other; returns how many devices they got."""
    from foundation.errors import DomainError
    from orders.models import Order
    from orders.services import allocating
    from tests.factories import NOW

    given = 0
    for order in Order.objects.filter(pk__in=order_ids).order_by("pk"):
        try:
            given += len(allocating.allocate_devices(order=order, now=NOW))
        except DomainError as error:
            if error.code != "insufficient_stock":
                raise
    return given
