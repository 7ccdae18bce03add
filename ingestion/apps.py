from django.apps import AppConfig


class IngestionConfig(AppConfig):
    """Fetches, decrypts and records reports; registers the checks of its settings."""

    name = "ingestion"

    def ready(self) -> None:
        import ingestion.checks  # noqa: F401, PLC0415
