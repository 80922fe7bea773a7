"""Sign-up addresses, included under `account/` before allauth's, whose names lead here."""

from django.urls import path

from accounts.sign_up import SignupView, SingleSignOnView

urlpatterns = [
    path("signup/", SignupView.as_view()),
    path("3rdparty/signup/", SingleSignOnView.as_view()),
]
