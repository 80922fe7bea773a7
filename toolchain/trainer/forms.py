"""Forms of training jobs."""

from django import forms
from django.utils.translation import gettext_lazy as _

from assets.forms.assets import OwnerForm
from assets.models.assets import name_validator
from toolchain.forms import HoursField


class TrainingForm(OwnerForm):
    """The names and the run time limit of a new training job."""

    owner = forms.ChoiceField(label=_("Owner"), help_text=_("Who owns the job and the output model, and whose hours are used."))
    output_name = forms.CharField(
        label=_("Output model"), max_length=96, validators=[name_validator], widget=forms.TextInput(attrs={"class": "mono"}),
        help_text=_("The new model that receives the result. It is not published."),
    )  # fmt: skip
    name = forms.CharField(label=_("Job name"), max_length=96, required=False, help_text=_("Empty: the name of the output model."))
    limit = HoursField(help_text=_("In hours; empty for no limit. The job is stopped after that, and its finished checkpoints are kept."))
