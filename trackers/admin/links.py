"""Where the admin shows the rows that presenters refer to."""

from django.urls import reverse

from trackers.pages.lifecycle import Reference


def change_page(reference: Reference) -> str:
    """The address of the row's page, at the section that is referred to."""
    app, model = reference.model.split(".")
    page = reverse(f"admin:{app}_{model}_change", args=[reference.pk])
    return f"{page}#{reference.section}" if reference.section else page
