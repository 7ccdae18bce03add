from django.apps import AppConfig


class GlimpseConfig(AppConfig):
    """The wiring: loads Celery's application so that `shared_task` finds it."""

    name = "config"

    def ready(self) -> None:
        import config.celery  # noqa: F401, PLC0415
