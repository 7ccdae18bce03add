"""The manufacturers' own limit: their requests write and read whole batches."""

from rest_framework.throttling import UserRateThrottle


class ManufacturerRate(UserRateThrottle):
    scope = "manufacturer"
