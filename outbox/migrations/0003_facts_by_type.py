from django.db import migrations

# The list in the admin of facts of one type, latest first: of a rare type it would go through all facts.
INDEX = "CREATE INDEX outbox_fact_of_type ON outbox_fact (type, id)"


class Migration(migrations.Migration):
    dependencies = [
        ("outbox", "0002_changed_rows"),
    ]

    operations = [
        migrations.RunSQL(INDEX, reverse_sql="DROP INDEX outbox_fact_of_type"),
    ]
