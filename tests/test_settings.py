"""Settings: typed, checked, and all of them documented. A missing or unsafe one stops the start with a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from portal.config import ROOT, Settings, SettingsError, read_settings

GOOD = {"SECRET_KEY": "a good secret, long enough: 0123456789"}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": "dev"}, "shorter than 32 bytes"),
        ({"SECRET_KEY": "x" * 31}, "shorter than 32 bytes"),
        ({"SECRET_KEY": "a" * 64}, "repeats too few characters"),
        ({"DUEPOST_AUDIT_KEY": "short"}, "DUEPOST_AUDIT_KEY is shorter"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL must begin with"),
        ({"REDIS_URL": "http://x"}, "REDIS_URL must begin with"),
        ({"STORAGE_URL": "ftp://x"}, "STORAGE_URL must begin with"),
        ({"PUBLIC_URL": "exports.example.org"}, "PUBLIC_URL must be a whole address"),
        ({"MAIL_PORT": "smtp"}, "MAIL_PORT must be a whole number, not “smtp”"),
        ({"MAIL_PORT": "0"}, "MAIL_PORT must be at least 1, not 0"),
        ({"MAIL_USE_TLS": "maybe"}, "MAIL_USE_TLS must be yes or no"),
        ({"MAIL_USE_TLS": "1", "MAIL_USE_SSL": "1"}, "not both"),
        ({"MAIL_DEFAULT_SENDER": "nobody"}, "MAIL_DEFAULT_SENDER must be an address"),
        ({"SECRET_KEY_FILE": "/nowhere/key"}, "SECRET_KEY_FILE names a file that cannot be read"),
    ],
)
def test_a_missing_or_unsafe_setting_stops_the_start(given: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        read_settings(GOOD | given)


def test_a_secret_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(GOOD["SECRET_KEY"] + "\n")
    assert read_settings({"SECRET_KEY_FILE": str(tmp_path / "key")}).secret_key == GOOD["SECRET_KEY"]


def test_secrets_do_not_stand_in_the_text_of_the_settings() -> None:
    given = GOOD | {"MAIL_PASSWORD": "hunter2hunter2", "DATABASE_URL": "postgresql://u:hunter3@h/d"}
    settings = read_settings(given)
    shown = f"{settings} {settings!r}"
    assert "mail_server" in shown
    assert "hunter" not in shown
    assert GOOD["SECRET_KEY"] not in shown


def test_every_setting_stands_in_the_operators_documentation() -> None:
    text = (ROOT / "docs" / "for-operators.md").read_text()
    missing = [each.metadata["env"] for each in fields(Settings) if f"`{each.metadata['env']}`" not in text]
    assert missing == [], "add them to the table in docs/for-operators.md"


def test_the_program_does_not_start_without_a_key_and_says_why(tmp_path: Path) -> None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("SECRET_KEY", "DATABASE_URL"))}
    done = subprocess.run(
        [sys.executable, "-c", "import wsgi"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Duepost does not start: SECRET_KEY is not set; make one with: ")
    assert "Traceback" not in done.stderr
