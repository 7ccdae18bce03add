import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.math
from django.db import migrations, models


class Migration(migrations.Migration):
    """How precise a report has to be to enter a location: its radius, or that of the circle as large as its area."""

    dependencies = [
        ('locations', '0002_audit'),
    ]

    operations = [
        migrations.AddField(
            model_name='location',
            name='entry_radius_m',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Coalesce(django.db.models.functions.math.Sqrt(django.db.models.expressions.CombinedExpression(models.Func(models.F('area'), function='ST_Area', output_field=models.FloatField()), '/', django.db.models.functions.math.Pi())), models.F('radius_m')), output_field=models.FloatField()),
        ),
    ]
