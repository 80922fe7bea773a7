from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("assets", "0004_publishing")]

    operations = [
        migrations.AlterModelOptions(
            name="asset",
            options={
                "permissions": [("review_asset", "Can decide on submissions")],
                "verbose_name": "asset",
                "verbose_name_plural": "assets",
            },
        )
    ]
