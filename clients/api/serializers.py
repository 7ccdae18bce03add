from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clients.models import Brand, Client, Membership, ProductionRun, User
from foundation.api.filters import LARGEST_ID


class ClientRefSerializer(serializers.ModelSerializer[Client]):
    class Meta:
        model = Client
        fields = ["id", "name"]


class BrandRefSerializer(serializers.ModelSerializer[Brand]):
    class Meta:
        model = Brand
        fields = ["id", "name"]


class RunRefSerializer(serializers.ModelSerializer[ProductionRun]):
    class Meta:
        model = ProductionRun
        fields = ["id", "name"]


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": LARGEST_ID})
class RunIdField(serializers.PrimaryKeyRelatedField[ProductionRun]):
    """The id of one of the `runs` in the context."""

    default_error_messages = {"does_not_exist": "There is no production run {pk_value}."}

    def get_queryset(self) -> Any:
        return self.context["runs"]

    def to_internal_value(self, data: Any) -> ProductionRun:
        if type(data) is not int or not 1 <= data <= LARGEST_ID:
            self.fail("incorrect_type", data_type=type(data).__name__)
        return super().to_internal_value(data)  # type: ignore[arg-type]


class ClientSerializer(serializers.ModelSerializer[Client]):
    class Meta:
        model = Client
        fields = ["id", "name", "created_at"]


class BrandSerializer(serializers.ModelSerializer[Brand]):
    client = ClientRefSerializer(read_only=True)

    class Meta:
        model = Brand
        fields = ["id", "name", "client"]


class RunSerializer(serializers.ModelSerializer[ProductionRun]):
    brand = BrandRefSerializer(read_only=True)
    client = ClientRefSerializer(source="brand.client", read_only=True)

    class Meta:
        model = ProductionRun
        fields = [
            "id",
            "name",
            "brand",
            "client",
            "start_date",
            "end_date",
            "max_accuracy_m",
            "exit_accuracy_cap_m",
            "entry_accuracy_factor",
            "max_speed_kmh",
            "confirmations",
            "countries",
        ]


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    client = ClientRefSerializer(read_only=True)

    class Meta:
        model = Membership
        fields = ["client", "role"]


class MeSerializer(serializers.ModelSerializer[User]):
    memberships = MembershipSerializer(many=True, read_only=True)

    class Meta:
        model = User
        fields = ["id", "username", "first_name", "last_name", "email", "is_staff", "memberships"]


class CredentialsSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=4096, trim_whitespace=False, style={"input_type": "password"})


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Shown once: only a hash of it is kept.")
    expires_at = serializers.DateTimeField()
