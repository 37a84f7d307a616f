"""Every setting, typed, read from the environment (or `.env` beside wsgi.py).

A missing or unsafe setting stops the start with a sentence that says what to do: `SettingsError`.
Any secret may also be given as a file: `SECRET_KEY_FILE=/run/secrets/key`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import current_app

VERSION = "0.1.0"
ROOT = Path(__file__).resolve().parent.parent
T = TypeVar("T")
MIN_SECRET_BYTES = 32
OBVIOUS_SECRETS = {"dev", "secret", "changeme", "change-me", "password", "test"}


class SettingsError(Exception):
    """A setting is missing or unsafe. The text is one sentence for the person who starts the program."""


def _text(value: str) -> str:
    return value.strip()


def _whole(value: str) -> int:
    return int(value.strip())


def _yes_no(value: str) -> bool:
    word = value.strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError("is not yes or no")


def _list(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.replace(",", " ").split())


def _setting(
    env: str, default: Any, meaning: str, read: Callable[[str], Any] = _text, *, secret: bool = False, least: int = 0
) -> Any:
    metadata = {"env": env, "meaning": meaning, "read": read, "secret": secret, "least": least}
    # a secret stays out of the text of the settings, and so out of any log that they might reach
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True)
class Settings:
    """All settings with their defaults. docs/for-operators.md shows this table."""

    secret_key: str = _setting(
        "SECRET_KEY", "", "Signs sessions, forms and links; 32 bytes or more, random, kept.", secret=True
    )
    audit_key: str = _setting(
        "DUEPOST_AUDIT_KEY",
        "",
        "Key of the audit chain, kept apart from SECRET_KEY; derived from it where not set.",
        secret=True,
    )
    database_url: str = _setting(
        "DATABASE_URL",
        "",
        "SQLAlchemy address; SQLite in var/ where not set; postgresql://… for more machines.",
        secret=True,
    )
    redis_url: str = _setting(
        "REDIS_URL", "", "Address of Redis or Valkey; the embedded server's socket in var/ where not set.", secret=True
    )
    storage_url: str = _setting("STORAGE_URL", "", "Where artifacts are kept: file:///folder; var/files where not set.")
    export_folder: str = _setting(
        "DUEPOST_EXPORT_FOLDER", "", "Folder under which schedules may deliver files; var/exports where not set."
    )
    var: str = _setting("DUEPOST_VAR", "", "Folder of what the program keeps by default; var/ where not set.")
    public_url: str = _setting(
        "PUBLIC_URL", "http://127.0.0.1:8000", "What links in mails begin with; never taken from a request."
    )
    trusted_hosts: tuple[str, ...] = _setting(
        "TRUSTED_HOSTS", (), "Host names that are answered; PUBLIC_URL's host where not set.", _list
    )
    trusted_proxies: int = _setting(
        "TRUSTED_PROXIES", 0, "How many proxies stand in front and set X-Forwarded-*.", _whole
    )
    mail_server: str = _setting("MAIL_SERVER", "127.0.0.1", "SMTP server.")
    mail_port: int = _setting("MAIL_PORT", 25, "SMTP port.", _whole, least=1)
    mail_use_tls: bool = _setting("MAIL_USE_TLS", False, "STARTTLS, with the certificate verified.", _yes_no)
    mail_use_ssl: bool = _setting("MAIL_USE_SSL", False, "TLS from the first byte, verified.", _yes_no)
    mail_username: str = _setting("MAIL_USERNAME", "", "SMTP user.")
    mail_password: str = _setting("MAIL_PASSWORD", "", "SMTP password.", secret=True)
    mail_default_sender: str = _setting("MAIL_DEFAULT_SENDER", "duepost@example.org", "Sender of every mail.")
    mail_timeout_seconds: int = _setting(
        "DUEPOST_MAIL_TIMEOUT_SECONDS", 30, "How long one answer of the SMTP server is awaited.", _whole, least=1
    )
    mail_size_limit_bytes: int = _setting(
        "DUEPOST_MAIL_SIZE_LIMIT_BYTES",
        20_000_000,
        "A message larger than this after base64 carries a link instead of the file.",
        _whole,
        least=1,
    )
    outbox_folder: str = _setting(
        "DUEPOST_OUTBOX_FOLDER", "", "Folder of the demo's mail sink, shown at /outbox; no such page where not set."
    )
    link_days: int = _setting("DUEPOST_LINK_DAYS", 14, "How many days a download link lives.", _whole, least=1)
    file_days: int = _setting("DUEPOST_FILE_DAYS", 90, "How many days an artifact's file is kept.", _whole, least=1)
    session_hours: int = _setting("DUEPOST_SESSION_HOURS", 12, "How long a sign-in lasts.", _whole, least=1)
    invitation_days: int = _setting("DUEPOST_INVITATION_DAYS", 7, "How long an invitation lasts.", _whole, least=1)
    lease_seconds: int = _setting(
        "DUEPOST_LEASE_SECONDS", 90, "How long a worker's claim on a run lasts without a sign of life.", _whole, least=3
    )
    generation_attempts: int = _setting(
        "DUEPOST_GENERATION_ATTEMPTS", 3, "How often making a file is tried before the run fails.", _whole, least=1
    )
    pause_after_failures: int = _setting(
        "DUEPOST_PAUSE_AFTER_FAILURES",
        5,
        "A schedule that failed so many times in a row is paused and its owner told; 0: never.",
        _whole,
    )
    metrics_token: str = _setting(
        "DUEPOST_METRICS_TOKEN",
        "",
        "Bearer token of /metrics; where not set, only this machine itself is answered.",
        secret=True,
    )
    run_time_limit_seconds: int = _setting(
        "DUEPOST_RUN_TIME_LIMIT_SECONDS",
        3600,
        "How long making one file may take before it is stopped.",
        _whole,
        least=1,
    )
    run_memory_limit_mb: int = _setting(
        "DUEPOST_RUN_MEMORY_LIMIT_MB", 1024, "How much memory one run may take before it is stopped.", _whole, least=64
    )
    ping_url: str = _setting(
        "DUEPOST_PING_URL",
        "",
        "http or https address asked after each tick, so that its keeper tells you when the asking stops.",
        secret=True,
    )
    csv_guard: bool = _setting(
        "DUEPOST_CSV_GUARD", True, "Put ' before text that a spreadsheet would run as a formula.", _yes_no
    )
    log_level: str = _setting("DUEPOST_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR.")

    @property
    def var_folder(self) -> Path:
        return Path(self.var) if self.var else ROOT / "var"

    @property
    def effective_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.var_folder / 'duepost.sqlite3'}"

    @property
    def effective_redis_url(self) -> str:
        return self.redis_url or f"unix://{self.var_folder / 'redis' / 'redis.sock'}"

    @property
    def effective_storage_url(self) -> str:
        return self.storage_url or f"file://{self.var_folder / 'files'}"

    @property
    def effective_export_folder(self) -> Path:
        return Path(self.export_folder) if self.export_folder else self.var_folder / "exports"

    @property
    def effective_trusted_hosts(self) -> list[str]:
        return list(self.trusted_hosts) or [urlsplit(self.public_url).hostname or "127.0.0.1"]

    @property
    def cookies_need_https(self) -> bool:
        return self.public_url.startswith("https://")


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check all settings. Raises SettingsError with a sentence that names the setting."""
    source = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for each in fields(Settings):
        raw = _raw_value(source, each.metadata["env"], secret=each.metadata["secret"])
        if raw is None:
            continue
        values[each.name] = _read_one(each.metadata, raw)
    settings = Settings(**values)
    _check(settings)
    return settings


def _raw_value(source: Mapping[str, str], env: str, *, secret: bool) -> str | None:
    if secret and (path := source.get(f"{env}_FILE")):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"{env}_FILE names a file that cannot be read: {error.strerror}.") from error
    raw = source.get(env)
    return raw if raw is None or raw.strip() else None


def _read_one(metadata: Mapping[str, Any], raw: str) -> Any:
    env = metadata["env"]
    try:
        value = metadata["read"](raw)
    except ValueError as error:
        kind = "a whole number" if metadata["read"] is _whole else "yes or no"
        raise SettingsError(f"{env} must be {kind}, not “{raw[:40]}”.") from error
    if isinstance(value, int) and not isinstance(value, bool) and value < metadata["least"]:
        raise SettingsError(f"{env} must be at least {metadata['least']}, not {value}.")
    return value


def _check(settings: Settings) -> None:
    _check_secret("SECRET_KEY", settings.secret_key)
    if settings.audit_key:
        _check_secret("DUEPOST_AUDIT_KEY", settings.audit_key)
    if settings.metrics_token:
        _check_secret("DUEPOST_METRICS_TOKEN", settings.metrics_token)
    scheme = settings.effective_database_url.split(":", 1)[0].split("+", 1)[0]
    if scheme not in {"sqlite", "postgresql"}:
        raise SettingsError("DATABASE_URL must begin with sqlite:/// or postgresql://.")
    if not settings.effective_storage_url.startswith("file:///"):
        raise SettingsError("STORAGE_URL must begin with file:/// and an absolute folder.")
    if not settings.effective_redis_url.startswith(("redis://", "rediss://", "unix://")):
        raise SettingsError("REDIS_URL must begin with redis://, rediss:// or unix://.")
    public = urlsplit(settings.public_url)
    if public.scheme not in {"http", "https"} or not public.hostname:
        raise SettingsError("PUBLIC_URL must be a whole address such as https://exports.example.org.")
    ping = urlsplit(settings.ping_url)
    if settings.ping_url and (ping.scheme not in {"http", "https"} or not ping.hostname):
        raise SettingsError("DUEPOST_PING_URL must be a whole address that begins with http:// or https://.")
    if settings.mail_use_tls and settings.mail_use_ssl:
        raise SettingsError("Set MAIL_USE_TLS or MAIL_USE_SSL, not both.")
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+|[^<>\r\n]*<[^@\s<>]+@[^@\s<>]+>", settings.mail_default_sender):
        raise SettingsError("MAIL_DEFAULT_SENDER must be an address such as exports@example.org.")
    if settings.log_level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise SettingsError("DUEPOST_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR.")


def _check_secret(env: str, value: str) -> None:
    hint = 'make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"'
    if not value:
        raise SettingsError(f"{env} is not set; {hint}")
    if len(value.encode()) < MIN_SECRET_BYTES or value.lower() in OBVIOUS_SECRETS:
        raise SettingsError(f"{env} is shorter than {MIN_SECRET_BYTES} bytes and so can be guessed; {hint}")
    if len(set(value)) < 8:
        raise SettingsError(f"{env} repeats too few characters and so can be guessed; {hint}")


def settings() -> Settings:
    """The running app's settings."""
    value: Settings = current_app.config["DUEPOST"]
    return value
