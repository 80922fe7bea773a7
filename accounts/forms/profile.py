"""The shape of what people send about themselves."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.avatars import Crop
from accounts.handles import validators
from accounts.models import User


class Prose(forms.CharField):
    """Text of several lines; a line break counts as one character, however the browser sends it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 4, "data-count": ""}), **options)

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n").strip()


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    bio = Prose(label=_("Bio"), max_length=500, required=False)

    class Meta:
        model = User
        fields = ["nickname", "bio", "language"]


class HabitsForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ["email_notifications", "news", "keyboard_shortcuts"]


class HandleForm(forms.Form):
    handle = forms.CharField(
        label=_("Handle"),
        max_length=39,
        validators=validators,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}),
    )


class AvatarForm(forms.Form):
    """A picture, and the square of it that is kept; what it really is decides `accounts.avatars`, not its name or type.

    Where one of `x`, `y` and `size` is left out it is the middle of the picture.
    """

    avatar = forms.FileField(
        label=_("Picture"), max_length=255, widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp,image/gif"})
    )
    x = forms.IntegerField(required=False, min_value=0, max_value=10**6)
    y = forms.IntegerField(required=False, min_value=0, max_value=10**6)
    size = forms.IntegerField(required=False, min_value=1, max_value=10**6)

    @property
    def crop(self) -> Crop | None:
        """The chosen square, None for the middle."""
        x, y, size = (self.cleaned_data[name] for name in ("x", "y", "size"))
        return None if x is None or y is None or size is None else Crop(x, y, size)
