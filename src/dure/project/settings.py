"""The one settings file, read from the environment through project/env.py."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from csp.constants import NONE, SELF
from psycopg.conninfo import conninfo_to_dict

from dure.kit import clock
from dure.kit.language import later, say
from dure.project.env import Environment
from dure.wallet.values import PRACTICE, Limits

ENV = Environment()
ENV.refuse_unsafe_production()
ENV.keep_compiled_code()
PRODUCTION = ENV.production
HOME = ENV.home
if not PRODUCTION:
    clock.follow(ENV.moved_clock)
PACKAGE = Path(__file__).resolve().parent.parent

SECRET_KEY = ENV.secret_key()
DEBUG = False
ALLOWED_HOSTS = ENV.listed("DURE_HOSTS", "*")
PORT = ENV.number("DURE_PORT", 8000)
THREADS = ENV.number("DURE_THREADS", 4)
PUBLIC_URL = ENV.text("DURE_PUBLIC_URL")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []
CSRF_FAILURE_VIEW = "dure.web.ui.pages.stale_form"

INSTALLED_APPS = [
    "dure.ledger",
    "dure.payments",
    "dure.messaging",
    "dure.shops",
    "dure.people",
    "dure.wallet",
    "dure.menu",
    "dure.offers",
    "dure.ordering",
    "dure.checkouts",
    "dure.regulars",
    "dure.channels",
    "dure.audiences",
    "dure.targeting",
    "dure.partners",
    "dure.campaigns",
    "dure.lift",
    "dure.settlement",
    "dure.town",
    "dure.web.ui",
    "dure.web.customer",
    "dure.web.console",
    "dure.web.office",
    "dure.web.hooks",
    "dure.web.api",
    "dure.project",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "procrastinate.contrib.django",
    "django_htmx",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.kakao",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "dure.web.ui.middleware.PolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "dure.web.ui.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dure.web.ui.middleware.RefusalMiddleware",
]

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"
ROOT_URLCONF = "dure.project.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dure.web.ui.context.reader",
            ]
        },
    }
]


def _database() -> dict[str, Any]:
    from dure.project import postgres

    url = ENV.text("DURE_DATABASE_URL") or postgres.dsn(HOME)
    parts = conninfo_to_dict(url)
    name, user, password = parts.pop("dbname", "dure"), parts.pop("user", ""), parts.pop("password", "")
    host, port = parts.pop("host", ""), parts.pop("port", "")
    parts["options"] = ENV.session_options(url)
    parts["prepare_threshold"] = (
        3  # of texts that are written once (kit/sql.py); all others are bound before they are sent
    )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": user,
        "PASSWORD": password,
        "HOST": host,
        "PORT": str(port),
        "OPTIONS": {**parts, "pool": {"min_size": 1, "max_size": THREADS + 2}},
        "TEST": {"NAME": ENV.text("DURE_TEST_DATABASE", "test_dure")},
    }


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "people.Person"
AUTHENTICATION_BACKENDS = ["dure.people.sessions.ByPassword", "dure.people.sessions.ByContact"]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/console/"
SESSION_ENGINE = "dure.people.sessions"

# django-allauth. Its own limits count in the cache, which several processes share: docs/decisions/0010.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "ui_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
ACCOUNT_ADAPTER = "dure.web.ui.login.Accounts"
ACCOUNT_FORMS = {
    "login": "dure.web.ui.login.ContactForm",
    "request_login_code": "dure.web.ui.login.CodeForm",
    "confirm_login_code": "dure.web.ui.login.EnterCodeForm",
}
ACCOUNT_LOGIN_METHODS = {"email", "phone"}
ACCOUNT_SIGNUP_FIELDS = ["email", "phone"]
SILENCED_SYSTEM_CHECKS = ["account.W001"]  # wants one of the two required in a sign-up form, and we have no such form
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # entering the code is the proof, at every login
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # the only ones without an account are those who were kept out
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 5 * 60
ACCOUNT_LOGIN_BY_CODE_FORMAT = ACCOUNT_PHONE_VERIFICATION_CODE_FORMAT = {"numeric": True, "length": 6, "dashed": False}
ACCOUNT_RATE_LIMITS = {"request_login_code": "20/m/ip,3/m/key,10/h/key", "login": "30/m/ip,300/h/ip"}
ACCOUNT_SESSION_REMEMBER = True
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if PRODUCTION else 0
MFA_SUPPORTED_TYPES = ["webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
SOCIALACCOUNT_ADAPTER = "dure.web.ui.login.SocialAccounts"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
_kakao = {"client_id": ENV.text("DURE_KAKAO_LOGIN_ID"), "secret": ENV.text("DURE_KAKAO_LOGIN_SECRET"), "key": ""}
SOCIALACCOUNT_PROVIDERS = {"kakao": {"APPS": [_kakao] if _kakao["client_id"] else []}}

_smtp = urlsplit(ENV.text("DURE_SMTP_URL"))
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend" if _smtp.hostname else "dure.web.ui.sending.LogMail"
EMAIL_HOST, EMAIL_PORT = _smtp.hostname or "", _smtp.port or 587
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_smtp.username or ""), unquote(_smtp.password or "")
EMAIL_USE_TLS, EMAIL_TIMEOUT = EMAIL_PORT == 587, 10
DEFAULT_FROM_EMAIL = ENV.text("DURE_MAIL_FROM", "dure@localhost")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}}
]

LANGUAGE_CODE = "ko"
LANGUAGES = [("ko", "한국어"), ("en", "English")]  # each in its own tongue; Django itself translates them
TIME_ZONE = "Asia/Seoul"
USE_I18N = USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
MEDIA_ROOT = HOME / "media"
SEALS = Path(ENV.text("DURE_SEALS") or HOME / "seals")
# Reads QR codes where the browser itself cannot (Firefox, Safari on iPhones); a package carries it, see pyproject.toml.
_CARRIER = find_spec("lona_html5_qrcode")
CAMERA_LIBRARY = "camera/html5-qrcode.min.js" if _CARRIER else ""
STATICFILES_DIRS = (
    [("camera", Path(_CARRIER.origin).with_name("static") / "lona-html5-qrcode" / "dist")]
    if _CARRIER and _CARRIER.origin
    else []
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# Pages name files by their fingerprint alone: compressing each under its plain name too would double a first start's work.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_000_000

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PRODUCTION
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
SECURE_REDIRECT_EXEMPT = ["^healthz$"]  # asked from inside, past the proxy that speaks TLS
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "script-src": [SELF],
        "style-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

_OFFICE = later(say("두레 운영실", en="Dure office"))
_ACCENT = {
    "50": "#fdf4ef",
    "100": "#fae4d8",
    "200": "#f4c5ad",
    "300": "#eda07b",
    "400": "#e27849",
    "500": "#cc5a24",
    "600": "#a63f12",
    "700": "#86320f",
    "800": "#6b2a10",
    "900": "#58250f",
    "950": "#301106",
}
UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _OFFICE,
    "SITE_HEADER": _OFFICE,
    "SITE_SYMBOL": "storefront",
    "SITE_FAVICONS": [{"rel": "icon", "href": "/skins/dure/dubi/head.svg", "type": "image/svg+xml"}],
    "SITE_DROPDOWN": [
        {
            "icon": "difference",
            "title": later(say("결제사와 맞춰 보기", en="Reconciliation")),
            "link": "/office/reconciliation/",
        },
        {
            "icon": "shield",
            "title": later(say("고객의 돈 지키기", en="Safeguarding")),
            "link": "/office/safeguarding/",
        },
        {
            "icon": "groups",
            "title": later(say("정확히 세기", en="Exact counts")),
            "link": "/office/exact-counts/",
        },
        {
            "icon": "rate_review",
            "title": later(say("보내기 전에 읽기", en="Read before it goes")),
            "link": "/office/reviews/",
        },
        {
            "icon": "monitoring",
            "title": later(say("시장", en="Market")),
            "link": "/office/market/",
        },
        {
            "icon": "account_balance_wallet",
            "title": later(say("메시지 잔액", en="Message balances")),
            "link": "/office/balances/",
        },
        {
            "icon": "policy",
            "title": later(say("동의 기록 내보내기", en="Export of consents")),
            "link": "/office/inspection/",
        },
        {
            "icon": "restart_alt",
            "title": later(say("포기한 일", en="Given-up jobs")),
            "link": "/office/jobs/",
        },
    ],
    "SHOW_BACK_BUTTON": True,
    "COLORS": {"primary": _ACCENT},
}

if not PRODUCTION:
    UNFOLD["SITE_DROPDOWN"].append(
        {"icon": "holiday_village", "title": later(say("동네", en="Neighbourhood")), "link": "/office/town/"}
    )

KAKAOPAY = {
    "host": ENV.text("DURE_KAKAOPAY_HOST") or ENV.text("DURE_SANDBOX_URL", f"http://127.0.0.1:{PORT + 1}"),
    "cid": ENV.text("DURE_KAKAOPAY_CID", "TC0ONETIME"),
    "recurring_cid": ENV.text("DURE_KAKAOPAY_RECURRING_CID", "TCSUBSCRIP"),
    "secret_key": ENV.text("DURE_KAKAOPAY_SECRET_KEY", "DEV-SANDBOX"),
}
TOSS: dict[str, Any] = {
    "host": ENV.text("DURE_TOSS_HOST") or ENV.text("DURE_SANDBOX_URL", f"http://127.0.0.1:{PORT + 1}") + "/toss",
    "secret_key": ENV.text("DURE_TOSS_SECRET_KEY", "test_sk_sandbox"),
    "cancel_days": ENV.number("DURE_TOSS_CANCEL_DAYS", 0),
}
WAYS_TO_PAY = ENV.listed("DURE_WAYS", "kakaopay,toss,wallet")
WALLET: dict[str, Any] = {
    "registration": ENV.text("DURE_WALLET_REGISTRATION", "" if PRODUCTION else PRACTICE),
    "refund_all": ENV.text("DURE_WALLET_REFUND_ALL"),
    "limits": Limits(
        holding_named=ENV.number("DURE_WALLET_HOLD_NAMED", 2_000_000),
        holding_anonymous=ENV.number("DURE_WALLET_HOLD_ANONYMOUS", 500_000),
        pay_a_day=ENV.number("DURE_WALLET_PAY_DAY", 2_000_000),
        top_up_a_day=ENV.number("DURE_WALLET_TOP_UP_DAY", 2_000_000),
        least=1_000,
        refund_bps=ENV.number("DURE_WALLET_REFUND_SHARE", 2_000),
        unused_days=ENV.number("DURE_WALLET_UNUSED_DAYS", 7),
    ),
}
_AGENCY = "" if PRODUCTION else ENV.text("DURE_SANDBOX_URL", f"http://127.0.0.1:{PORT + 1}")
MESSAGES = {
    "solapi_host": ENV.text("DURE_SOLAPI_HOST") or _AGENCY,
    "solapi_key": ENV.text("DURE_SOLAPI_KEY", "" if PRODUCTION else "SANDBOX"),
    "solapi_secret": ENV.text("DURE_SOLAPI_SECRET", "" if PRODUCTION else "SANDBOX-SECRET"),
    "sender_number": ENV.text("DURE_TEXT_NUMBER", "" if PRODUCTION else "0212345678"),
    "kakao_channel": ENV.text("DURE_KAKAO_CHANNEL", "" if PRODUCTION else "PF-SANDBOX"),
    "nhn_host": ENV.text("DURE_NHN_HOST"),
    "nhn_app": ENV.text("DURE_NHN_APP"),
    "nhn_secret": ENV.text("DURE_NHN_SECRET"),
    "nhn_sender": ENV.text("DURE_NHN_SENDER"),
    "hook_word": ENV.text("DURE_MESSAGE_HOOK", "" if PRODUCTION else "practice"),
    "nhn_signature": ENV.text("DURE_NHN_SIGNATURE", "" if PRODUCTION else "SANDBOX-SIGNATURE"),
    "certificate": ENV.text("DURE_SENDER_CERTIFICATE", "" if PRODUCTION else "SANDBOX"),
}
AD_CAPS = tuple(int(n) for n in ENV.text("DURE_AD_CAPS", "3,7,3").split(","))  # a day, a week, a week from one shop
PAY_CODE_PREFIX = ENV.text("DURE_PAY_CODE_PREFIX", "770188")
WEBHOOK_PRACTICE = ENV.listed("DURE_WEBHOOK_PRACTICE", "" if PRODUCTION else f"http://127.0.0.1:{PORT + 1}")
WEBHOOK_SECONDS = 15.0
COUPON_DAYS_MAX = ENV.number("DURE_COUPON_DAYS_MAX", 90)
PAYOUTS: dict[str, Any] = {
    "by": ENV.text("DURE_PAYOUTS", "hand" if PRODUCTION else "practice"),
    "days": ENV.number("DURE_PAYOUT_DAYS", 2),
    "fees": ENV.text("DURE_FEES"),
    "url": ENV.text("DURE_PAYOUT_URL"),
    "secret_key": ENV.text("DURE_PAYOUT_SECRET_KEY"),
}
SKIN_DIR = ENV.text("DURE_SKIN_DIR")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"log": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["log"], "level": "WARNING"},
    "loggers": {"dure": {"level": "INFO"}, "django.request": {"level": "ERROR"}},
}

# The neighbourhood of a demo goes on living at this pace; the office changes it for every program through the file.
TOWN_PACE = ENV.number("DURE_TOWN_PACE", 1)
TOWN_PACE_FILE = HOME / "pace"
