"""Duepost: scheduled, provable exports of a compliance case register."""

from __future__ import annotations

from collections.abc import Mapping

from dotenv import load_dotenv
from flask import Flask
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.engine import make_url
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import extensions
from portal.config import ROOT, Settings, read_settings
from portal.plumbing.logs import set_up_logs
from portal.plumbing.migrations import join_migrations

MAX_FORM_BYTES = 2_000_000
LIMITER_SECONDS = 0.5
POOL_SECONDS = 2  # nobody waits longer for a connection that others of the process hold


def create_app(environ: Mapping[str, str] | None = None) -> Flask:
    """The application: settings, extensions, pages, errors, commands, in this order.

    Raises SettingsError where a setting is missing or unsafe.
    """
    load_dotenv(ROOT / ".env")
    settings = read_settings(environ)
    set_up_logs(settings.log_level)
    app = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    _configure(app, settings)
    _join_extensions(app, settings)
    from portal import commands, pages  # noqa: PLC0415  # the doors import the subjects, which need the extensions joined

    pages.register(app)
    commands.register(app)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        DUEPOST=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.effective_database_url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings),
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_BYTES,
        MAX_FORM_PARTS=2_000,
        TRUSTED_HOSTS=settings.effective_trusted_hosts,
        SESSION_COOKIE_SECURE=settings.cookies_need_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a form left open over lunch must not lose what was typed
        BOOTSTRAP_SERVE_LOCAL=True,
        RATELIMIT_STORAGE_URI=_limiter_storage(settings.effective_redis_url),
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
        # one short try, then this process counts by itself
        RATELIMIT_STORAGE_OPTIONS={
            "socket_connect_timeout": LIMITER_SECONDS,
            "socket_timeout": LIMITER_SECONDS,
            "retry": Retry(NoBackoff(), 0),
        },
        RATELIMIT_HEADERS_ENABLED=False,
        MAIL_SERVER=settings.mail_server,
        MAIL_PORT=settings.mail_port,
        MAIL_USE_TLS=settings.mail_use_tls,
        MAIL_USE_SSL=settings.mail_use_ssl,
        MAIL_USERNAME=settings.mail_username or None,
        MAIL_PASSWORD=settings.mail_password or None,
        MAIL_DEFAULT_SENDER=settings.mail_default_sender,
        MAIL_DEBUG=False,  # Flask-Mail's default follows app.debug and would print whole messages
    )


def _engine_options(settings: Settings) -> dict[str, object]:
    """Errors never show what was written: it may be a report or a password's hash."""
    if make_url(settings.effective_database_url).get_backend_name() == "sqlite":
        return {"hide_parameters": True, "pool_timeout": POOL_SECONDS}
    return {
        "hide_parameters": True,
        "pool_timeout": POOL_SECONDS,
        "pool_pre_ping": True,
        "connect_args": {"options": "-c timezone=UTC"},
    }


def _limiter_storage(redis_url: str) -> str:
    """Flask-Limiter's spelling of the same address."""
    return f"redis+{redis_url}" if redis_url.startswith("unix://") else redis_url


def _join_extensions(app: Flask, settings: Settings) -> None:
    from portal import models  # noqa: PLC0415  # tables must be known before Flask-SQLAlchemy binds them

    url = make_url(settings.effective_database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        settings.var_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    extensions.db.init_app(app)
    with app.app_context():
        models.prepare_engine(extensions.db.engine)
        models.guard_reading_session()
    join_migrations(app)
    extensions.login.init_app(app)
    extensions.csrf.init_app(app)
    extensions.mail.init_app(app)
    extensions.bootstrap.init_app(app)
    extensions.limiter.init_app(app)
