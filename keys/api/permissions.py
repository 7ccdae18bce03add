"""Who may use the manufacturers' part of the API."""

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from keys import selectors


class IsManufacturer(BasePermission):
    """Works for a manufacturer. Clients and staff have no business here: staff export in the admin."""

    message = "This is for manufacturers: your user works for none."

    def has_permission(self, request: Request, view: object) -> bool:
        user = request.user
        return user.is_authenticated and selectors.works_for_a_manufacturer(user)
