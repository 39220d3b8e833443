"""Plenary: registration and livestream scheduling for virtual events."""

from __future__ import annotations

import os

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from config import ROOT, Settings, load_settings, with_development_secrets
from registration import commands, security_log
from registration.clock import Clock, set_clock, system_clock
from registration.databases import prepare_postgresql, prepare_sqlite
from registration.extensions import (
    babel,
    compress,
    csrf,
    db,
    keyring,
    limiter,
    login,
    mail,
    migrate,
)
from registration.web import (
    access,
    calendar,
    cross_site,
    development,
    display,
    errors,
    headers,
    health,
    keys_checked,
    metrics,
    organizer,
    own_data,
    own_links,
    participant,
    public,
    routing,
    server_log,
    signup,
    unsubscribe,
    watch,
)


def create_app(settings: Settings | None = None, clock: Clock = system_clock) -> Flask:
    """Return the wired application. Without `settings` they are read from the environment.

    Raises SettingsError when a setting is missing or wrong.
    """
    settings = settings or load_settings(with_development_secrets(os.environ))
    app = Flask(__name__, template_folder=str(ROOT / "templates"), instance_path=str(settings.instance_path))
    app.config.from_mapping(_flask_config(settings))
    set_clock(app, clock)
    _bind_extensions(app, settings)
    server_log.init_app()
    routing.init_app(app)
    display.init_app(app)
    headers.init_app(app)
    errors.init_app(app)
    keys_checked.init_app(app)
    access.init_app(app)
    security_log.init_app(app)
    for module in (
        public,
        signup,
        participant,
        own_data,
        own_links,
        unsubscribe,
        calendar,
        watch,
        organizer,
        health,
        metrics,
    ):
        app.register_blueprint(module.blueprint)
    if settings.development:
        app.register_blueprint(development.blueprint)
    cross_site.init_app(app)
    commands.init_app(app)
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
    return app


def _bind_extensions(app: Flask, settings: Settings) -> None:
    db.init_app(app)
    migrate.init_app(app, db, render_as_batch=True, compare_type=True)
    keyring.init_app(app, settings.secret_key, settings.seal_keys)
    mail.init_app(app)
    csrf.init_app(app)
    limiter.init_app(app)
    compress.init_app(app)
    login.init_app(app, add_context_processor=False)
    babel.init_app(app, locale_selector=display.chosen_language)
    prepare = prepare_sqlite if settings.database_url.startswith("sqlite") else prepare_postgresql
    with app.app_context():
        prepare(db.engine)


def _flask_config(settings: Settings) -> dict[str, object]:
    """Return what Flask and its extensions read, made from our settings."""
    return {
        "PLENARY": settings,
        "PUBLIC_URL": settings.public_url,
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(settings),
        "SESSION_COOKIE_NAME": "__Host-plenary" if settings.https else "plenary",
        "SESSION_COOKIE_SECURE": settings.https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "MAX_CONTENT_LENGTH": 256 * 1024,
        "MAX_FORM_MEMORY_SIZE": 256 * 1024,
        "MAX_FORM_PARTS": 500,
        "SEND_FILE_MAX_AGE_DEFAULT": 365 * 24 * 3600,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
        "MAIL_SERVER": settings.mail_server,
        "MAIL_PORT": settings.mail_port,
        "MAIL_USERNAME": settings.mail_username or None,
        "MAIL_PASSWORD": settings.mail_password or None,
        "MAIL_USE_TLS": settings.mail_use_tls,
        "MAIL_DEFAULT_SENDER": settings.mail_default_sender,
        "RATELIMIT_STORAGE_URI": settings.redis_url or "memory://",
        "RATELIMIT_STORAGE_OPTIONS": _limit_options(settings),
        "RATELIMIT_ENABLED": not settings.development,
        "RATELIMIT_HEADERS_ENABLED": False,
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "registration" / "translations"),
        "COMPRESS_ALGORITHM": ["gzip"],
        "COMPRESS_MIMETYPES": [
            "text/html",
            "text/css",
            "text/javascript",
            "image/svg+xml",
            "application/json",
        ],
        "COMPRESS_MIN_SIZE": 500,
    }


def _limit_options(settings: Settings) -> dict[str, object]:
    """Return how Redis is asked: who waits for an answer that does not come keeps a reader waiting."""
    return {"socket_connect_timeout": 0.5, "socket_timeout": 0.5} if settings.redis_url else {}


def _engine_options(settings: Settings) -> dict[str, object]:
    """Return how connections to the database are made: enough of them, and none that waits for a machine that is gone.

    A thread that sends holds two, and a third while it looks before DATA.
    """
    options: dict[str, object] = {"hide_parameters": True, "pool_size": 5 + 2 * settings.mail_connections}
    if settings.database_url.startswith("postgresql"):
        waits = {"connect_timeout": 10, "tcp_user_timeout": 30_000, "keepalives_idle": 30}
        options["connect_args"] = waits
    return options
