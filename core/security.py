"""Headers that keep pages from running anything but our own files."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Alpine, which draws the menus of the administration, compiles the expressions in its attributes and writes style attributes.
ADMINISTRATION_POLICY = PAGE_POLICY.replace("script-src 'self'", "script-src 'self' 'unsafe-eval'").replace(
    "style-src 'self'", "style-src 'self'; style-src-attr 'unsafe-inline'"
)
CONTENT_POLICY = "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def page_policy(blob_origin: str = "", sign_in_origin: str = "") -> str:
    """Return the policy of our pages, which may also exchange bytes with an S3 store and send people to sign in elsewhere."""
    policy = PAGE_POLICY
    if blob_origin:
        for directive in ("connect-src", "img-src", "media-src"):
            policy = policy.replace(f"{directive} 'self'", f"{directive} 'self' {blob_origin}")
    if sign_in_origin:
        policy = policy.replace("form-action 'self'", f"form-action 'self' {sign_in_origin}")
    return policy


class ContentSecurityPolicyMiddleware:
    """Set the page policy where a view did not set one of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

        self.policy = page_policy(settings.BLOB_ORIGIN, settings.OIDC_ORIGIN)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.policy)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response
