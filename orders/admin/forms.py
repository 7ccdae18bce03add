"""The forms of orders: an order itself, and what a step asks for."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from foundation.errors import DomainError
from orders import mac_lists, selectors
from orders.mac_lists import UnreadableListError
from orders.models import MAX_DEVICES, Order
from orders.services import placing


class OrderForm(forms.ModelForm):
    """The client follows from the run."""

    class Meta:
        model = Order
        fields = ("run", "quantity", "reference", "wanted_by")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        run, quantity = values.get("run"), values.get("quantity")
        if run is None or quantity is None:
            return values
        try:
            placing.refuse_invalid(run=run, quantity=quantity, now=timezone.now())
        except DomainError as error:
            raise forms.ValidationError(error.message) from error
        reference = values.get("reference", "")
        if reference and placing.is_taken(
            client_id=run.brand.client_id, reference=reference, but=self.instance.pk
        ):
            self.add_error("reference", f"{run.brand.client} has another order with this reference.")
        return values


class AllocationForm(forms.Form):
    quantity = forms.IntegerField(
        min_value=1,
        max_value=MAX_DEVICES,
        required=False,
        label="Devices",
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Those that are not named below are taken from the stock, oldest first."
        " Leave it empty to allocate only those named.",
    )
    macs = forms.CharField(
        required=False,
        max_length=mac_lists.MAX_BYTES,
        label="MACs or serials",
        widget=UnfoldAdminTextareaWidget({"rows": 6, "spellcheck": "false"}),
        help_text="One a line, separated by commas, or a table with a column called MAC or serial."
        " MACs in any notation.",
    )
    file = forms.FileField(
        required=False,
        label="or a file of them",
        widget=UnfoldAdminFileFieldWidget,
        help_text=f"Text, CSV or JSON, at most {mac_lists.MAX_BYTES // 2**20} MB.",
    )
    all_or_nothing = forms.BooleanField(
        required=False,
        label="All or nothing",
        widget=UnfoldBooleanWidget,
        help_text="Otherwise what the stock has is allocated, and the rest when there is more.",
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        text, file = values.get("macs", ""), values.get("file")
        if text.strip() and file:
            self.add_error("file", "Give the devices as text or as a file, not both.")
        elif file:
            values["named"] = self._named("file", file)
        elif text.strip():
            values["named"] = self._named("macs", text)
        elif values.get("quantity") is None and not self.errors:
            self.add_error("quantity", "Say how many, or name the devices.")
        return values

    def _named(self, field: str, given: str | UploadedFile) -> list[str] | None:
        """The devices, all of them in stock; an error at the field that says where each other one stands."""
        try:
            listed = mac_lists.parse(given if isinstance(given, str) else _text(given))
        except UnreadableListError as error:
            self.add_error(field, str(error))
            return None
        for problem in selectors.problems_of_list(listed):
            self.add_error(field, problem)
        return [name.text for name in listed.names]


class ReasonForm(forms.Form):
    reason = forms.CharField(
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="Kept in the history, with your name.",
    )


class ReductionForm(ReasonForm):
    quantity = forms.IntegerField(
        min_value=1,
        max_value=MAX_DEVICES,
        label="Devices",
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Fewer than were ordered, and at least those that it has.",
    )
    field_order = ("quantity", "reason")


def _text(file: UploadedFile) -> str:
    """The size is known before anything is read."""
    if (file.size or 0) > mac_lists.MAX_BYTES:
        raise UnreadableListError(
            f"The file is larger than {mac_lists.MAX_BYTES // 2**20} MB: upload a list of MACs or serials only."
        )
    return mac_lists.decode(file.read())
