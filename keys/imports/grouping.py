"""Which rows of a table are keys of one device."""


class Grouping:
    """Rows that number their keys belong to the device with their serial, or with their MAC where there is no serial.

    Our exports give each key its own MAC, so the serial goes first. A device is known by the number of its first row.
    """

    def __init__(self) -> None:
        self._by_serial: dict[str, int] = {}
        self._by_mac: dict[str, int] = {}
        self._with_serial: set[int] = set()

    def device_of(self, number: int, *, serial: str, mac: str) -> int:
        """The device of the row `number`, which numbers its key; serial and mac are empty where the row tells none."""
        device = self._known(serial, mac) or number
        if serial:
            self._by_serial[serial] = device
            self._with_serial.add(device)
        if mac:
            self._by_mac.setdefault(mac, device)
        return device

    def _known(self, serial: str, mac: str) -> int | None:
        if serial in self._by_serial:
            return self._by_serial[serial]
        device = self._by_mac.get(mac)
        # Another serial at the same MAC is another device, and one of them is wrong.
        return None if serial and device in self._with_serial else device
