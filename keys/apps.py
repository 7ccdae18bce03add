from django.apps import AppConfig


class KeysConfig(AppConfig):
    """Key pairs and their vault; registers the check that the vault can be opened."""

    name = "keys"

    def ready(self) -> None:
        import keys.checks  # noqa: F401, PLC0415
