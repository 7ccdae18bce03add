from typing import Any

from rest_framework import serializers

from outbox.facts import FactType
from outbox.selectors import PublishedFact


class ChangeSerializer(serializers.Serializer[PublishedFact]):
    """A fact, in an envelope after CloudEvents."""

    id = serializers.CharField(help_text="Its own for ever: who gets a fact twice knows it by this.")
    type = serializers.ChoiceField(choices=[each.value for each in FactType])
    client = serializers.IntegerField(
        source="client_id",
        allow_null=True,
        help_text="The id of the client that it is told to; none for staff alone.",
    )
    subject = serializers.CharField(help_text="What it is about: its kind and a name that stays the same.")
    occurred_at = serializers.DateTimeField(help_text="When it happened.")
    recorded_at = serializers.DateTimeField(help_text="When it got to be known, often much later.")
    sequence = serializers.IntegerField(
        help_text="Counts the facts of a subject for a client, without a gap."
    )
    previous_id = serializers.CharField(
        allow_null=True, help_text="The fact before of the subject; who has not got that one has missed it."
    )
    data = serializers.SerializerMethodField()  # type: ignore[assignment]

    def get_data(self, fact: PublishedFact) -> dict[str, Any]:
        """What happened. `tracker` is its MAC; the other names are ids, as they are elsewhere in the API."""
        mac = self.context["macs"].get(fact.number)
        return fact.data | {"tracker": mac} if mac else fact.data
