"""Addresses of sign-up and single sign-on, included under `account/` before allauth's, whose names lead here.

allauth's own page of addresses leads to ours, which changes an address by a code: there is one way, and one address.
"""

from allauth.socialaccount.providers.openid_connect import views
from django.urls import path
from django.views.generic import RedirectView

from accounts.sign_up import SignupView, SingleSignOnView, answered

urlpatterns = [
    path("email/", RedirectView.as_view(pattern_name="accounts:email")),
    path("signup/", SignupView.as_view()),
    path("3rdparty/signup/", SingleSignOnView.as_view()),
    path("oidc/<str:provider_id>/login/", answered(views.login)),
    path("oidc/<str:provider_id>/login/callback/", answered(views.callback)),
]
