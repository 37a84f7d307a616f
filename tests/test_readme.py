"""What the README and the documentation tell people to type is there and works; what they point to exists."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from portal.config import ROOT
from tests.support.whole_product import running_product

README = ROOT / "README.md"
PAGES = [README, *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("examples/*/README.md"))]
BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
MOST_BYTES_OF_A_PICTURE = 200_000


def lines_of_blocks(page: Path) -> list[str]:
    """What stands in the fenced blocks of a page, continued lines joined, comments left out."""
    text = "\n".join(BLOCK.findall(page.read_text(encoding="utf-8"))).replace("\\\n", " ")
    return [line.partition("  #")[0].strip() for line in text.splitlines() if line.strip()]


def flask_lines(page: Path) -> Iterator[str]:
    """Every `flask …` of a page, in its blocks or in its sentences, from the command's name on."""
    spans = re.findall(r"`([^`\n]+)`", BLOCK.sub("", page.read_text(encoding="utf-8")))
    for line in [*lines_of_blocks(page), *spans]:
        if found := re.match(r"(?:\.venv/bin/)?flask (?:--app wsgi )?([a-z].*)", line):
            yield found[1]


@pytest.mark.parametrize("line", [line for line in lines_of_blocks(README) if line.startswith("make ")])
def test_what_the_readme_has_made_can_be_made(line: str) -> None:
    _, target, *settings = shlex.split(line)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    for setting in settings:
        assert f"$({setting.partition('=')[0]})" in makefile


def test_make_demo_starts_what_answers() -> None:
    """F3: the line of the README runs the program that the walks are made on; its address answers."""
    assert "make demo" in lines_of_blocks(README)
    planned = subprocess.run(
        ["make", "--dry-run", "demo", "PORT=8123"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert '.venv/bin/python -m demo --port "8123"' in planned
    with running_product() as product, urllib.request.urlopen(f"{product.url}/sign-in", timeout=10) as answer:
        assert answer.status == 200
        assert {role for _, role in product.people} == {"admin", "officer"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_are_told_exist_with_their_options(page: Path, app) -> None:
    for line in flask_lines(page):
        name, *words = shlex.split(line.replace("…", ""))
        command = app.cli.get_command(click.Context(app.cli), name)
        assert command is not None, f"flask {name} does not exist"
        known = {option for each in command.params for option in each.opts}
        assert {word for word in words if word.startswith("--")} <= known, f"flask {line}"


def test_the_first_start_of_the_operators_works_as_it_is_told(tmp_path: Path) -> None:
    """F2: from nothing to an organization with an invited admin."""
    told = [
        shlex.split(line)[1:]
        for line in lines_of_blocks(ROOT / "docs" / "for-operators.md")
        if line.startswith(".venv/bin/flask")
    ]
    assert len(told) >= 3
    environ = {
        **os.environ,
        "SECRET_KEY": secrets.token_urlsafe(48),
        "DUEPOST_VAR": str(tmp_path),
        "DATABASE_URL": "",
        "MAIL_PORT": "1",
    }
    for words in told:
        done = subprocess.run(
            [sys.executable, "-m", "flask", *words], cwd=ROOT, env=environ, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert "/invitation/" in done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_points_to_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            path = page.parent / target
            assert path.exists(), target
            assert path.suffix != ".png" or path.stat().st_size < MOST_BYTES_OF_A_PICTURE
