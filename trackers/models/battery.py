from django.db import models


class Battery(models.TextChoices):
    FULL = "FULL", "Full"
    MEDIUM = "MEDIUM", "Medium"
    LOW = "LOW", "Low"
    CRITICAL = "CRITICAL", "Critical"
