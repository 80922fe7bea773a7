from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial")]

    operations = [migrations.AlterModelOptions(name="job", options={"verbose_name": "job", "verbose_name_plural": "jobs"})]
