"""Load the shipped vocabularies."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from assets import taxonomy


def load(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    taxonomy.load(apps.get_model("assets", "Term"))


def unload(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    taxonomy.unload(apps.get_model("assets", "Term"))


class Migration(migrations.Migration):
    dependencies = [("assets", "0001_initial")]
    operations = [migrations.RunPython(load, unload)]
