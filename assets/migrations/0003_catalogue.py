"""What the catalogue sorts by and shows: parameter counts, and indexes for the orders of its lists."""

import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("assets", "0002_taxonomy")]

    operations = [
        migrations.RemoveIndex(model_name="asset", name="asset_upper_name"),
        migrations.AddField(
            model_name="asset",
            name="parameters",
            field=models.BigIntegerField(blank=True, null=True, verbose_name="parameters"),
        ),
        migrations.AddField(
            model_name="asset",
            name="structure",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AlterField(
            model_name="asset",
            name="downloads",
            field=models.PositiveBigIntegerField(default=0, verbose_name="downloads"),
        ),
        migrations.AddIndex(
            model_name="asset",
            index=models.Index(models.F("kind"), django.db.models.functions.text.Upper("name"), models.F("id"), name="asset_by_name"),
        ),
        migrations.AddIndex(
            model_name="asset",
            index=models.Index(
                models.F("namespace"),
                models.OrderBy(models.F("updated_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                name="asset_by_namespace",
            ),
        ),
    ]
