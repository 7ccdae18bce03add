from django.db import migrations


class Migration(migrations.Migration):
    """Counts of a recomputation by the words for what they count."""

    dependencies = [("trackers", "0020_published_at")]

    operations = [
        migrations.RenameField("recomputationjob", "replayed", "recomputed"),
        migrations.RenameField("recomputationjob", "stays_added", "periods_added"),
        migrations.RenameField("recomputationjob", "stays_retracted", "periods_retracted"),
    ]
