"""Settings, read from the environment (and `.env`); every variable is described in `.env.example`."""

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pghistory
from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment
from config.logs import LEVELS, logging_config
from config.redis_urls import celery_broker_url
from config.unfold import UNFOLD  # noqa: F401 (the admin theme reads it from the settings)

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment()
Environment.read_env(BASE_DIR / ".env", overwrite=False)

DEBUG = env.bool("DEBUG", default=False)

# --- Secrets -----------------------------------------------------------------------------------------
DEVELOPMENT_SECRET = "for-development-only"  # noqa: S105 (refused unless DEBUG)
SECRET_KEY = env.str("SECRET_KEY", default=DEVELOPMENT_SECRET)
if not DEBUG and SECRET_KEY == DEVELOPMENT_SECRET:
    raise ImproperlyConfigured(
        "Set SECRET_KEY to a long random value, or DEBUG=true on a developer's machine."
    )
# Base64 of 32 random bytes each; the first seals new data keys, the others unseal old ones.
VAULT_MASTER_KEYS = env.list("VAULT_MASTER_KEYS", default=[])

# --- Applications ------------------------------------------------------------------------------------
INSTALLED_APPS = [
    # Ours come first: their templates override those of the admin theme.
    "config.apps.GlimpseConfig",
    "ops",
    "ingestion",
    "orders",
    "keys",
    "trackers",
    "locations",
    "outbox",
    "clients",
    "foundation",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.gis",
    "django.contrib.postgres",
    "django_celery_beat",
    "django_filters",
    "django_structlog",
    "pgtrigger",
    "pghistory",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "rest_framework",
]
# What stands in for the outside world has no place in production, where the package need not even be there.
if env.bool("SIMULATION", default=DEBUG):
    INSTALLED_APPS.insert(1, "simulation")
AUTH_USER_MODEL = "clients.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "foundation.admin.addresses.AddressMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "pghistory.middleware.HistoryMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Audit log ---------------------------------------------------------------------------------------
PGHISTORY_MIDDLEWARE_METHODS = ("POST", "PUT", "PATCH", "DELETE")
PGHISTORY_FOREIGN_KEY_FIELD = pghistory.ForeignKey(db_index=False)

# --- PostgreSQL, Redis, Celery -----------------------------------------------------------------------
DATABASES = {"default": env.db_url("DATABASE_URL", default="postgis:///glimpse")}
DATABASES["default"] |= {
    "ENGINE": "django.contrib.gis.db.backends.postgis",
    "TEST": {"NAME": env.str("TEST_DATABASE", default="test_glimpse")},
}
# The web processes share a pool; Celery's forked workers keep one connection each.
if env.bool("DATABASE_POOL", default=False):
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 8, "timeout": 10}}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 600
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

REDIS_URL = env.str("REDIS_URL", default="redis://localhost:6379/0")
# Put before every key that Glimpse writes to Redis, so that installations can share a server.
REDIS_PREFIX = env.str("REDIS_PREFIX", default="glimpse:")
CACHES = {
    "default": {
        "BACKEND": "config.cache.PrefixedRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": f"{REDIS_PREFIX}cache",
    }
}

CELERY_BROKER_URL = celery_broker_url(REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": f"{REDIS_PREFIX}celery:",
    # An unacknowledged task (its worker was killed) is delivered again after this many seconds.
    # It is longer than any task's hard time limit.
    "visibility_timeout": 900,
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"ingestion.tasks.fetch_due_trackers": {"queue": "fetch"}}
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 250_000  # KiB
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_TIMEZONE = "UTC"

# --- Fetching from the Find My gateway ---------------------------------------------------------------
FINDMY_URL = env.str("FINDMY_URL", default="https://gateway.icloud.com/findmyservice/v2/fetch")
# "v2" or "legacy": the shape of request and answer that FINDMY_URL speaks.
FINDMY_PROTOCOL = env.str("FINDMY_PROTOCOL", default="v2")
FINDMY_ANISETTE_URL = env.str("FINDMY_ANISETTE_URL", default="http://localhost:6969/")
# name:dsid:searchPartyToken, separated by commas.
FINDMY_ACCOUNTS = env.list("FINDMY_ACCOUNTS", default=[])
FINDMY_KEYS_PER_REQUEST = env.int("FINDMY_KEYS_PER_REQUEST", default=250)
FINDMY_REQUESTS_PER_ACCOUNT_PER_HOUR = env.int("FINDMY_REQUESTS_PER_ACCOUNT_PER_HOUR", default=120)
FINDMY_CONNECT_TIMEOUT_S = env.float("FINDMY_CONNECT_TIMEOUT_S", default=5, above=0)
FINDMY_READ_TIMEOUT_S = env.float("FINDMY_READ_TIMEOUT_S", default=30, above=0)
FETCH_INTERVAL_MINUTES = env.float("FETCH_INTERVAL_MINUTES", default=20)
FETCH_LEASE_S = env.int("FETCH_LEASE_S", default=300)
MAX_BACKOFF_HOURS = env.float("MAX_BACKOFF_HOURS", default=6)
MAX_REPORT_AGE_DAYS = env.int("MAX_REPORT_AGE_DAYS", default=7)

# --- Alerts: what counts as an anomaly ----------------------------------------------------------------
# A tracker is silent after this many of its usual gaps, but not before the least hours, and after the greatest.
ALERT_SILENT_FACTOR = env.float("ALERT_SILENT_FACTOR", default=6, above=0)
ALERT_SILENT_MIN_HOURS = env.float("ALERT_SILENT_MIN_HOURS", default=24)
ALERT_SILENT_MAX_HOURS = env.float("ALERT_SILENT_MAX_HOURS", default=168)
if ALERT_SILENT_MAX_HOURS < ALERT_SILENT_MIN_HOURS:
    raise ImproperlyConfigured("ALERT_SILENT_MAX_HOURS is less than ALERT_SILENT_MIN_HOURS.")
ALERT_NEVER_REPORTED_HOURS = env.float("ALERT_NEVER_REPORTED_HOURS", default=72, above=0)
# Off the route: by this point the route is longer than this many times the direct one, and this many km more.
ALERT_OFF_ROUTE_DETOUR = env.float("ALERT_OFF_ROUTE_DETOUR", default=1.3, above=0)
ALERT_OFF_ROUTE_SLACK_KM = env.float("ALERT_OFF_ROUTE_SLACK_KM", default=50)
# Out of the country: this far from land where it may be, beyond the report's error. Stored borders err almost as much.
ALERT_BORDER_SLACK_KM = env.float("ALERT_BORDER_SLACK_KM", default=5)
ALERT_LONG_STORAGE_DAYS = env.float("ALERT_LONG_STORAGE_DAYS", default=14, above=0)
ALERT_LONG_TRANSIT_DAYS = env.float("ALERT_LONG_TRANSIT_DAYS", default=10, above=0)
# Back at a storage location counts after it was away from there for this long.
ALERT_BACK_AFTER_HOURS = env.float("ALERT_BACK_AFTER_HOURS", default=6)
# This many silent trackers at one location, if most of those there, are an outage of the site.
ALERT_SILENT_PLACE_TRACKERS = env.int("ALERT_SILENT_PLACE_TRACKERS", default=5, least=1)
# --- Retention, in days; 0 keeps for ever ------------------------------------------------------------
# Reports go by whole months, with their DWELL and TRANSIT events, and this many days after their announcement.
REPORT_RETENTION_DAYS = env.int("REPORT_RETENTION_DAYS", default=400)
RETENTION_NOTICE_DAYS = env.int("RETENTION_NOTICE_DAYS", default=14)
REJECTED_RETENTION_DAYS = env.int("REJECTED_RETENTION_DAYS", default=90)
TALLY_RETENTION_DAYS = env.int("TALLY_RETENTION_DAYS", default=400)
# Facts of the outbox go by whole months; a reader must not stay away for longer.
OUTBOX_RETENTION_DAYS = env.int("OUTBOX_RETENTION_DAYS", default=90)

# --- Web ---------------------------------------------------------------------------------------------
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=not DEBUG)
SECURE_HSTS_SECONDS = 0 if DEBUG else env.int("SECURE_HSTS_SECONDS", default=31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEBUG
SECURE_HSTS_PRELOAD = not DEBUG
SECURE_REDIRECT_EXEMPT = [r"^health/$"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
X_FRAME_OPTIONS = "DENY"
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Empty: our own offline basemap. A customer's street tiles are plugged in with a MapLibre style URL.
BASEMAP_STYLE_URL = env.str("BASEMAP_STYLE_URL", default="")
_basemap_hosts = (
    [f"https://{urlsplit(BASEMAP_STYLE_URL).netloc}"] if urlsplit(BASEMAP_STYLE_URL).netloc else []
)
# The admin theme's Alpine evaluates expressions and both it and Chart.js set inline styles.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:", "blob:", *_basemap_hosts],
        "connect-src": [SELF, *_basemap_hosts],
        "worker-src": [SELF, "blob:"],
        "frame-ancestors": ["'none'"],
        "form-action": [SELF],
        "base-uri": [SELF],
        "object-src": ["'none'"],
    }
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

# --- Address search -----------------------------------------------------------------------------------
# In the order in which they are asked; none unless named, since they see the addresses.
GEOCODERS = env.list("GEOCODERS", default=[])
# Each provider=value, where it differs from the provider's own file in locations/geocoding/providers.
GEOCODER_URLS = env.list("GEOCODER_URLS", default=[])
GEOCODER_KEYS = env.list("GEOCODER_KEYS", default=[])
GEOCODER_RATES = env.list("GEOCODER_RATES", default=[])
GEOCODER_TIMEOUT_S = env.float("GEOCODER_TIMEOUT_S", default=5, above=0)
# Public servers want to know which installation asks.
GEOCODER_USER_AGENT = env.str("GEOCODER_USER_AGENT", default=f"Glimpse ({','.join(ALLOWED_HOSTS[:1])})")

LANGUAGE_CODE = "en-gb"
FORMAT_MODULE_PATH = ["config.formats"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 2**20
# Files of devices are refused above this size before they are read, and held in memory until their keys are sealed.
IMPORT_MAX_MB = env.int("IMPORT_MAX_MB", default=32, least=1)

# --- API ---------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "clients.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "foundation.api.pagination.NumberedPages",
    "DEFAULT_PARSER_CLASSES": ["foundation.api.bodies.StrictJson"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "foundation.api.strict.DeclaredSchema",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": env.rate("API_RATE_ANONYMOUS", default="60/min"),
        "user": env.rate("API_RATE_USER", default="600/min"),
        # From one address, and for one user name.
        "login": env.rate("API_RATE_LOGIN", default="10/min"),
        "manufacturer": env.rate("API_RATE_MANUFACTURER", default="120/min"),
    },
    # How many X-Forwarded-For entries to trust: a caller must not choose the address that it is limited by.
    "NUM_PROXIES": 1 if env.bool("BEHIND_TLS_PROXY", default=False) else 0,
    "EXCEPTION_HANDLER": "foundation.api.problems.problem_details",
    "DEFAULT_VERSIONING_CLASS": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
REST_KNOX = {
    "TOKEN_LIMIT_PER_USER": 20,
    "TOKEN_TTL": timedelta(hours=env.float("API_TOKEN_HOURS", default=24, above=0)),
    "AUTO_REFRESH": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Glimpse API",
    "DESCRIPTION": "Trackers in shipments: where they are, where they were, and what happened on the way.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "LocationKind": "locations.models.Location.Kind",
        "EventType": "trackers.models.GeofenceEvent.Type",
        "GeoStatus": "trackers.models.GeoStatus",
        "TrackerState": "trackers.models.Tracker.State",
        "DeviceImportState": "keys.models.DeviceImport.State",
        "Battery": "trackers.models.Battery",
        "FeatureType": ["Feature"],
        "FeatureCollectionType": ["FeatureCollection"],
        "PointType": ["Point"],
        "LocationGeometryType": ["Point", "Polygon"],
        "TrackGeometryType": ["Point", "LineString"],
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "foundation.api.problems.document_problems",
    ],
}

LOGGING = logging_config(
    as_json=env.bool("LOG_JSON", default=not DEBUG), level=env.choice("LOG_LEVEL", LEVELS, default="INFO")
)
# GDAL 3.6.2 is Debian 12's own; the warning concerns rasters, which Glimpse does not use.
SILENCED_SYSTEM_CHECKS = ["gis.W001"]

env.refuse_unknown(os.environ, BASE_DIR / ".env")
