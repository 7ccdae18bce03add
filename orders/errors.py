"""What can't be done with orders and their devices, and what to do instead."""

from collections.abc import Collection

from clients.errors import DomainError
from trackers.services import assigning


class RunOfAnotherClient(DomainError):
    code = "run_of_another_client"


class RunHasEnded(DomainError):
    code = "run_has_ended"


class InvalidQuantity(DomainError):
    code = "invalid_quantity"


class ReferenceTaken(DomainError):
    """The client has another order, not cancelled, with this reference."""

    code = "reference_taken"


class UnknownOrder(DomainError):
    code = "unknown_order"


class WrongOrderState(DomainError):
    code = "wrong_order_state"


class InsufficientStock(DomainError):
    code = "insufficient_stock"


class InvalidMacs(DomainError):
    """Texts that are no MACs, or a MAC that is listed twice."""

    code = "invalid_macs"


class UnfitDevices(DomainError):
    """Devices that can't be taken; `macs` are all of them, the message names a few."""

    code = "unfit_devices"

    def __init__(self, what: str, macs: Collection[str]) -> None:
        super().__init__(f"{what}: {assigning.name_macs(macs)}.")
        self.macs = macs


class UnknownDevices(UnfitDevices):
    code = "unknown_devices"


class NotInStock(UnfitDevices):
    code = "not_in_stock"


class WrongDeviceState(UnfitDevices):
    code = "wrong_device_state"


class ChangedMeanwhile(DomainError):
    """Somebody else worked on the same devices at the same moment."""

    code = "changed_meanwhile"
