from django.apps import AppConfig


class GlimpseConfig(AppConfig):
    """The wiring: loads Celery's application so that `shared_task` finds it, and gives the pages of `ops` what the
    keys tell of a tracker's lifecycle."""

    name = "config"

    def ready(self) -> None:
        from config.celery import app  # noqa: PLC0415
        from keys.pages import lifecycle as of_keys  # noqa: PLC0415
        from ops.pages import lifecycle  # noqa: PLC0415

        app.set_default()
        lifecycle.add_stages(*of_keys.STAGES)
