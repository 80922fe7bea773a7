"""Publish the shipped agreements."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from accounts import agreements


def load(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    agreements.load(apps.get_model("accounts", "Agreement"))


def unload(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    agreements.unload(apps.get_model("accounts", "Agreement"))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_webhook_health")]
    operations = [migrations.RunPython(load, unload)]
