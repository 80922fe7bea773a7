"""All configuration. Every environment variable is read here, through `portal.env`; an empty environment works."""

import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

from portal import addresses, env, logs, rest
from portal.toolchain import *  # noqa: F403
from portal.toolchain import runs_folder

VERSION = "0.1.0"
BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / "data"), shown="./data", help="Folder for everything the gallery keeps.")).absolute()

DEBUG = env.flag("DEBUG", False, help="Django's debug pages. For development only.")
HOST = env.text("HOST", "127.0.0.1", help="Address the web server listens on; 0.0.0.0 means every one of this machine.")
PORT = env.number("PORT", 8000, least=1, most=65535, help="Port the web server listens on.")
PUBLIC_URL = env.parsed(
    "PUBLIC_URL",
    f"http://{'localhost' if HOST in ('127.0.0.1', '0.0.0.0', '::', '::1') else HOST}:{PORT}",
    addresses.public_url,
    shown="http://localhost:8000",
    help="Address people and clients use, without a path. Behind a proxy: the proxy's address.",
)
TRUSTED_PROXIES = env.number(
    "TRUSTED_PROXIES", 0, help="Proxies in front that each add to X-Forwarded-For; 0 means that the header is not believed.", most=9
)
WEB_WORKERS = env.number(
    "WEB_WORKERS", min(4, os.cpu_count() or 1), least=1, shown="one per processor, up to 4", help="Processes that answer requests."
)
LOG_FORMAT = env.choice("LOG_FORMAT", "text", ("text", "json"), help="Form of the log lines.")
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"), help="Least severe log line.")
START_PATIENCE = env.number("START_PATIENCE", 30, least=1, help="Seconds to wait at the start for an external database and Redis.")
MIN_FREE_DISK = env.size("MIN_FREE_DISK", "500MB", help="Free disk space in the data folder below which the gallery does not start.")


def _secret_key(value: str) -> str:
    if len(value) < 32:
        raise ValueError("must have at least 32 characters.")
    return value


SECRET_KEY_GIVEN = env.parsed(
    "SECRET_KEY", "", _secret_key, shown="generated into the data folder",
    help="Key that signs sessions and addresses. Keep it the same on every node.",
)  # fmt: skip
try:
    SECRET_KEY = SECRET_KEY_GIVEN or addresses.secret(DATA_DIR / "secrets" / "secret_key", secrets.token_urlsafe(48))
except (OSError, ValueError) as error:
    raise ImproperlyConfigured(f"SECRET_KEY: {error}") from error

_public = urlsplit(PUBLIC_URL)
_https = _public.scheme == "https"
_loopback = ["localhost", "127.0.0.1", "[::1]"]
_anywhere = HOST not in ("127.0.0.1", "::1", "localhost") and env.raw("PUBLIC_URL") is None
_more_hosts = env.words("EXTRA_HOSTS", help="More names under which clients may call, separated by commas.")
# Without PUBLIC_URL nobody said which names lead here: on a loopback address only its own may, elsewhere any.
ALLOWED_HOSTS = ["*"] if _anywhere else list(dict.fromkeys([str(_public.hostname), *_loopback, *_more_hosts]))
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
HSTS_SECONDS = env.number("HSTS_SECONDS", 31_536_000, help="How long browsers insist on https where PUBLIC_URL is https.")
SECURE_HSTS_SECONDS = HSTS_SECONDS if _https else 0

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "portal.administration.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "django_htmx",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "lucide",
    "django.forms",
    "portal",
    "toolchain.trainer",
    "toolchain.inference",
    "toolchain",
    "assets",
    "inspection",
    "repos",
    "jobs",
    "accounts",
    "core",
]

MIDDLEWARE = [
    "portal.health.HealthMiddleware",
    "portal.connections.ConnectionMiddleware",
    "core.requests.RequestContextMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "core.languages.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "core.security.ContentSecurityPolicyMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.activity.SessionActivityMiddleware",
    "core.errors.ProblemMiddleware",
]

ROOT_URLCONF = "portal.urls"
ASGI_APPLICATION = "portal.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "portal.site.context",
            ],
            "builtins": [
                "core.templatetags.gallery",
                "accounts.templatetags.my_gallery",
                "django.templatetags.i18n",
                "django.templatetags.static",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- Engines ------------------------------------------------------------------------------------------------

DATABASE_URL = env.text(
    "DATABASE_URL", "", shown="the embedded PostgreSQL", help="postgresql://user:password@host:5432/name of a PostgreSQL 14 or newer."
)
REDIS_URL = env.parsed("REDIS_URL", "", addresses.redis, shown="the embedded Redis", help="redis://host:6379/0 of a Redis 6.2 or newer.")
POSTGRES_DIR = DATA_DIR / "postgres"
RUN_DIR = addresses.run_folder(DATA_DIR)
REDIS_SOCKET = RUN_DIR / "redis.sock"

try:
    _database = addresses.database(DATABASE_URL or f"postgresql://postgres@/postgres?host={RUN_DIR}&port=5432")
except ValueError as error:
    raise ImproperlyConfigured(f"DATABASE_URL: {error}") from error
DATABASE_POOL = env.number(
    "DATABASE_POOL", 20, help="Database connections a process may hold; 0 opens one for each request, for a pooler of your own."
)
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        **_database,
        # A connection that the server dropped, for a restart of PostgreSQL say, is replaced before it is used.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "application_name": "gallery",
            "connect_timeout": 10,
            **_database["OPTIONS"],
            "pool": {"min_size": 1, "max_size": DATABASE_POOL, "timeout": 15} if DATABASE_POOL else False,
        },
    }
}
REDIS_ADDRESS = REDIS_URL or f"unix://{REDIS_SOCKET}?db=0"
CACHES = {
    "default": {
        "BACKEND": "portal.cache.ForgivingRedisCache",
        "LOCATION": REDIS_ADDRESS,
        "KEY_PREFIX": "gallery",
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 5},
    }
}
CELERY_BROKER_URL = addresses.broker(REDIS_ADDRESS)
CELERY_TASK_DEFAULT_QUEUE = "gallery"
CELERY_BEAT_SCHEDULE = {"sweep": {"task": "jobs.sweep", "schedule": 15.0, "options": {"expires": 15}}}
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
BACKGROUND_QUEUE = "background"
TOOLCHAIN_QUEUE = "toolchain"
BACKGROUND_CONCURRENCY = env.number(
    "BACKGROUND_CONCURRENCY", 1, least=1, help="Jobs in the background, such as reading what was uploaded, that one background worker runs at the same time.",
)  # fmt: skip
WORKER_CONCURRENCY = env.number("WORKER_CONCURRENCY", 2, least=1, help="Jobs one worker runs at the same time.")

BLOB_STORE = env.parsed(
    "BLOB_STORE", f"file:{DATA_DIR / 'blobs'}", addresses.blob_store, shown="file:./data/blobs",
    help="Where large files go: `file:/folder`, or `s3://bucket?endpoint=https://host&region=name`; `public_endpoint=` where browsers "
    "reach the store under another address.",
)  # fmt: skip
BLOB_ORIGIN = addresses.s3_origin(BLOB_STORE)
AWS_ACCESS_KEY_ID = env.text("S3_ACCESS_KEY_ID", "", help="Access key for an S3 store.")
AWS_SECRET_ACCESS_KEY = env.text("S3_SECRET_ACCESS_KEY", "", help="Secret key for an S3 store.")
STORAGES = {
    "default": addresses.media_storage(BLOB_STORE, DATA_DIR / "media", AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY),
    "staticfiles": {"BACKEND": "core.bundles.StaticFiles"},
}
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_DIR", str(DATA_DIR / "static"), shown="./data/static", help="Folder for the collected static files."))
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_MANIFEST_STRICT = True
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ["png", "webp", "jpg", "gif", "woff", "woff2", "gz", "zip", "map"]
FILE_UPLOAD_PERMISSIONS = 0o640

# --- Limits -------------------------------------------------------------------------------------------------

LARGE_FILE_THRESHOLD = env.size("LARGE_FILE_THRESHOLD", "10MB", help="Files above this size are stored as large objects.")
MAX_FILE_SIZE = env.size("MAX_FILE_SIZE", "500GB", help="Largest single file.")
MAX_SELECTION_SIZE = env.size("MAX_SELECTION_SIZE", "50GB", help="Largest set of files chosen at once in the browser.")
MAX_BROWSER_FILE_SIZE = env.size("MAX_BROWSER_FILE_SIZE", "0", help="Largest single file in the browser; 0 means MAX_FILE_SIZE.")
MAX_FOLDER_ENTRIES = env.number("MAX_FOLDER_ENTRIES", 10_000, least=1, help="Most entries in one folder.")
MAX_FILES = env.number("MAX_FILES", 100_000, least=1, help="Most files in one revision of a repository.")
MAX_PREVIEW_SIZE = env.size("MAX_PREVIEW_SIZE", "10MB", help="Largest file that is previewed.")
SQL_SECONDS = env.number("SQL_SECONDS", 10, least=1, most=300, help="Seconds a search, a filter or an SQL query on a dataset may take.")
SQL_MEMORY = env.size("SQL_MEMORY", "256MiB", least="64MiB", help="Memory of the engine for one such query; its process gets 256 MiB more.")
VIEWER_LIMIT = env.size(
    "VIEWER_LIMIT", "5GB", least="1MB", help="Bytes that are read of a split of a dataset; of a larger one a sample is shown."
)
TABLE_CACHE_SIZE = env.size(
    "TABLE_CACHE_SIZE", "10GB", least="1GB", help="Disk space in the data folder of a node for dataset tables that stand in S3."
)
SCAN_LIMIT = env.size(
    "SCAN_LIMIT", "2GiB", least="1MB",
    help="Bytes that the safety scan reads of one file and takes out of one archive; what is larger and has to be read whole is not judged.",
)  # fmt: skip
CLAMAV_URL = env.parsed(
    "CLAMAV_URL", "", addresses.clamav, help="A ClamAV daemon that looks for viruses: tcp://host:3310 or unix:/run/clamav/clamd.ctl."
)
CLAMAV_LIMIT = env.size("CLAMAV_LIMIT", "25MB", help="Largest file that ClamAV is given; keep it below the daemon's StreamMaxLength.")
BLOCK_DANGEROUS = env.flag("BLOCK_DANGEROUS", False, help="Refuse to hand out files that the safety scan found dangerous.")
NAMESPACE_QUOTA = env.size("NAMESPACE_QUOTA", "0", help="Bytes a user or organisation may store; 0 means no limit.")
UPLOAD_PART_SIZE = env.size(
    "UPLOAD_PART_SIZE", "16MiB", least="8MiB", most="64MiB", help="Size of an upload part, 8 to 64 MiB; large files use larger parts."
)
UPLOAD_EXPIRY_DAYS = env.number("UPLOAD_EXPIRY_DAYS", 7, least=1, help="Days after which an abandoned upload is removed.")
QUARANTINE_DAYS = env.number("QUARANTINE_DAYS", 7, least=0, help="Days an unreferenced object waits before its bytes are removed.")
DATA_UPLOAD_MAX_MEMORY_SIZE = env.size("MAX_REQUEST_SIZE", "64MB", help="Largest request body outside file uploads.")
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

# --- Toolchain ----------------------------------------------------------------------------------------------

RUNS_DIR = runs_folder(DATA_DIR)

# --- Accounts -----------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.authentication.AccountBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("handle", "nickname", "email")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = "handle"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username", "password1*"]
ACCOUNT_FORMS = {"signup": "accounts.sign_up.SignupForm"}
SOCIALACCOUNT_ADAPTER = "accounts.adapter.SocialAccountAdapter"
SOCIALACCOUNT_FORMS = {"signup": "accounts.sign_up.SingleSignOnForm"}
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_USERNAME_VALIDATORS = "accounts.handles.validators"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _public.scheme
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/5m/key", "signup": "20/m/ip", "reset_password": "20/m/ip,5/m/key"}
USERSESSIONS_TRACK_ACTIVITY = True
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "AI Gallery"
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = _public.scheme == "http"
SIGNUP_OPEN = env.flag("SIGNUP_OPEN", True, help="Whether strangers may sign up.")

_oidc_url = env.text("OIDC_URL", "", help="Address of an OpenID Connect provider (its issuer); empty turns it off.")
OIDC_ORIGIN = f"{urlsplit(_oidc_url).scheme}://{urlsplit(_oidc_url).netloc}" if _oidc_url else ""
_oidc_app = {
    "provider_id": "oidc",
    "name": env.text("OIDC_NAME", "Single sign-on", help="Name of the provider on the sign-in page."),
    "client_id": env.text("OIDC_CLIENT_ID", "", help="Client id at the provider."),
    "secret": env.text("OIDC_CLIENT_SECRET", "", help="Client secret at the provider."),
    "settings": {"server_url": _oidc_url},
}
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [_oidc_app] if _oidc_url else []}}


EMAIL_URL = env.text("EMAIL_URL", "", shown="mail is written to ./data/mail", help="smtp://user:password@host:25, smtp+tls:// or smtps://.")
try:
    globals().update(addresses.email(EMAIL_URL, DATA_DIR / "mail"))
except ValueError as error:
    raise ImproperlyConfigured(f"EMAIL_URL: {error}") from error
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text(
    "EMAIL_FROM", f"AI Gallery <gallery@{_public.hostname}>", shown="gallery@ the public host", help="Sender of mail."
)
WEBHOOK_PRIVATE_ADDRESSES: list[str] = env.parsed(
    "WEBHOOK_PRIVATE_ADDRESSES", [], addresses.networks, shown="none",
    help="Networks inside that webhooks may call, such as 10.20.0.0/16, separated by commas. Everything public may be called anyway.",
)  # fmt: skip
REVIEW = env.choice(
    "REVIEW", "words", ("off", "words", "manual"),
    help="What happens to an asset before it is published: nothing, a look for forbidden words, or that and a reviewer's decision.",
)  # fmt: skip
DIGEST_HOUR = env.number("DIGEST_HOUR", 8, most=23, help="Hour of the day, in TIME_ZONE, from which daily digests are mailed.")
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if EMAIL_URL else "optional"
MFA_ALLOW_UNVERIFIED_EMAIL = not EMAIL_URL

# --- Languages, time ----------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LANGUAGE_COOKIE_NAME = "gallery_language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = USE_TZ = True


def _time_zone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"must be the name of a time zone such as Asia/Shanghai, not {value!r}.") from error


TIME_ZONE = env.parsed("TIME_ZONE", "UTC", _time_zone, help="Time zone of the pages, such as Asia/Shanghai.")
FORMAT_MODULE_PATH = ["portal.formats"]

# --- REST ---------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["core.permissions.VerbPermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.Json"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "core.api.CursorPages",
    "PAGE_SIZE": 30,
    "EXCEPTION_HANDLER": "core.api.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = rest.DESCRIPTION

# --- Security, logs -----------------------------------------------------------------------------------------

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 30 * 24 * 3600
CSRF_FAILURE_VIEW = "portal.views.csrf_failure"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# What stands on other names of this domain is not ours to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

UNFOLD = {
    "SITE_SYMBOL": "deployed_code",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("favicon.svg")}],
    "STYLES": [lambda _request: static("css/administration.css")],
    "SCRIPTS": [lambda _request: static("js/administration.js")],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "ACCOUNT": {"navigation": [{"title": _("Personal information"), "link": "/me/profile"}]},
}

LOGGING = logs.to_standard_error(LOG_FORMAT, LOG_LEVEL)
