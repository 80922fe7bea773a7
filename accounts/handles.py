"""What a handle may look like, and which words are kept for the site itself."""

from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

RESERVED = frozenset(
    """
    .well-known about account accounts activities admin administrator agreements alarms anonymous api app apps approvals articles
    assets assets-cdn audit auth avatar avatars billing blog browse cas cdn clusters collections community compute
    contact cookies csp-report dashboard dashboards dataset datasets design device discover discussions docs download
    downloads email error errors events examples experiments explore favicon.ico favourites feed feeds files finetune
    first fonts gallery git graphql groups hardware healthz help home hooks htmx icons images inbox index inference info
    internal invite invites issues jobs join js language languages legal lfs library license licenses licences live
    login logout mail mcp me media members metrics model models monitoring my namespace namespaces new news notebooks
    notifications null oauth oauth2 official openai openapi operator organisation organisations organization
    organizations orgs papers password people plans posts practices pricing privacy profile projects public raw readyz register
    reports resolve resources robots.txt root rss schema script scripts search security self services session sessions
    settings share shop sign-in sign-out sign-up signin signout signup sitemap.xml site socket solutions spaces specs
    sse static stats status storage store subscriptions support swagger system tag tags tasks taxonomy team teams terms
    test token tokens tools training transfer trending undefined upload uploads url user users v1 v1.0 v2 v2.0 v3 v3.0
    v4 webhook webhooks websocket welcome well-known wiki workers workflows www xet
    """.split()
)


class HandleConverter:
    """The part of an address that may be a handle; every handle that ever was fits, and nothing that a query could choke on."""

    regex = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


def normalise(handle: str) -> str:
    """Return the form in which handles are compared: lower case."""
    return handle.lower()


def refuse_reserved(value: str) -> None:
    """Raise where `value` is an address of the site itself."""
    if normalise(value) in RESERVED:
        raise ValidationError(
            _("“%(handle)s” is kept for the site itself. Choose another handle."), code="reserved_handle", params={"handle": value}
        )


validators: list[Callable[[str], None]] = [
    RegexValidator(
        r"\A[A-Za-z0-9](?:[A-Za-z0-9]|[-_.](?=[A-Za-z0-9])){1,38}\Z",
        _("Use 2 to 39 letters, digits and single . _ - between them, starting and ending with a letter or digit."),
        code="bad_handle",
    ),
    refuse_reserved,
]
