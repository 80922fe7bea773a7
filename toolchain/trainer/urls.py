"""Pages of training jobs."""

from django.urls import path

from toolchain.trainer.views import compute, job, mine, new

app_name = "trainer"

urlpatterns = [
    path("jobs", mine.jobs, name="jobs"),
    path("jobs/new", new.new, name="new"),
    path("jobs/new/datasets", new.datasets, name="datasets"),
    path("jobs/<int:pk>", job.training, name="training"),
    path("jobs/<int:pk>/state", job.state, name="state"),
    path("jobs/<int:pk>/log", job.log, name="log"),
    path("jobs/<int:pk>/log.txt", job.log_file, name="log_file"),
    path("jobs/<int:pk>/metrics", job.metrics, name="metrics"),
    path("jobs/<int:pk>/files/<path:path>", job.file, name="file"),
    path("jobs/<int:pk>/stop", job.stop, name="stop"),
    path("jobs/<int:pk>/again", job.again, name="again"),
    path("jobs/<int:pk>/drop", job.drop, name="drop"),
    path("jobs/<int:pk>/collect", job.collect, name="collect"),
    path("jobs/<int:pk>/delete", job.delete, name="delete"),
    path("me/compute", compute.compute, name="compute"),
]
