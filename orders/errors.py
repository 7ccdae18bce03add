"""What can't be done with orders and their devices, and what to do instead."""

from collections.abc import Collection

from foundation.errors import DomainError
from trackers.services import assigning


class RunOfAnotherClientError(DomainError):
    code = "run_of_another_client"


class RunHasEndedError(DomainError):
    code = "run_has_ended"


class InvalidQuantityError(DomainError):
    code = "invalid_quantity"


class ReferenceTakenError(DomainError):
    """The client has another order, not cancelled, with this reference."""

    code = "reference_taken"


class UnknownOrderError(DomainError):
    code = "unknown_order"


class WrongOrderStateError(DomainError):
    code = "wrong_order_state"


class StockTooLowError(DomainError):
    code = "insufficient_stock"


class InvalidMacsError(DomainError):
    """A device that is listed twice."""

    code = "invalid_macs"


class UnfitDevicesError(DomainError):
    """Devices that can't be taken; `macs` are all of them, the message names a few."""

    code = "unfit_devices"

    def __init__(self, what: str, macs: Collection[str]) -> None:
        super().__init__(f"{what}: {assigning.name_macs(macs)}.")
        self.macs = macs


class UnknownDevicesError(UnfitDevicesError):
    code = "unknown_devices"


class AmbiguousDevicesError(UnfitDevicesError):
    code = "ambiguous_devices"


class NotInStockError(UnfitDevicesError):
    code = "not_in_stock"


class WrongDeviceStateError(UnfitDevicesError):
    code = "wrong_device_state"


class ChangedMeanwhileError(DomainError):
    """Somebody else worked on the same devices at the same moment."""

    code = "changed_meanwhile"
