"""F3: what the demo begins with, made once, by the verbs and commands that a user has."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from demo import __main__ as demo
from demo import seed
from portal.config import ROOT


@pytest.fixture
def var(tmp_path: Path, monkeypatch) -> Path:
    """A demo's folder, with its settings in the environment."""
    for name, value in demo.environment(tmp_path, 8000, 2525).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(seed, "CASES", 60)
    return tmp_path


def rows(var: Path, statement: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(var / "duepost.sqlite3") as connection:
        return connection.execute(statement).fetchall()


def test_seeding_twice_makes_it_once(var, capsys):
    """F3: the organization, an admin and an officer who can sign in, and the register."""
    assert seed.main([]) == 0
    assert seed.main([]) == 0
    assert capsys.readouterr().out == (
        "Made Lakeside Health (demo): 60 cases.\nMade 6 schedules; the first runs are under way.\n"
    )
    assert rows(var, "SELECT slug, timezone FROM organizations") == [("lakeside", "America/New_York")]
    assert rows(var, "SELECT count(*) FROM cases") == [(60,)]
    people = rows(var, "SELECT email, role, password_hash IS NOT NULL FROM users ORDER BY email")
    assert people == [("ana@lakeside.example.org", "ADMIN", 1), ("otto@lakeside.example.org", "OFFICER", 1)]
    assert rows(var, "SELECT count(*) FROM cases WHERE assignee_user_id IS NOT NULL")[0][0]


def test_the_sample_schedules_are_made_once_and_stay_as_people_leave_them(var):
    """F3: of several kinds, one paused; three runs wait for a worker, none is invented."""
    assert seed.main([]) == 0
    schedules = "SELECT name, state, next_run_at IS NULL FROM schedules ORDER BY name"
    made = rows(var, schedules)
    assert len(made) == 6
    assert [(name, nothing_planned) for name, state, nothing_planned in made if state == "PAUSED"] == [
        ("Billing cases for outside counsel", 1)
    ]
    assert rows(var, "SELECT count(*) FROM schedules WHERE state = 'ACTIVE' AND next_run_at IS NOT NULL") == [(5,)]
    runs = "SELECT kind, state, attempt FROM runs"
    assert rows(var, runs) == [("RUN_NOW", "QUEUED", 0)] * 3
    assert rows(var, "SELECT count(*) FROM deliveries") == [(0,)]
    choices = "SELECT on_blackout, count(*) FROM schedules GROUP BY on_blackout ORDER BY on_blackout"
    assert rows(var, choices) == [("MOVE", 1), ("RUN", 4), ("SKIP", 1)]
    assert rows(var, "SELECT count(*) > 20 FROM blackout_days") == [(1,)]
    addresses = [str(target) for (target,) in rows(var, "SELECT target FROM destinations WHERE kind = 'EMAIL'")]
    assert addresses
    assert all(address.endswith(".example.org") for address in addresses)

    with sqlite3.connect(var / "duepost.sqlite3") as connection:
        connection.execute("UPDATE schedules SET state = 'ACTIVE', name = 'Renamed' WHERE state = 'PAUSED'")
    assert seed.main([]) == 0
    assert [name for name, _, _ in rows(var, schedules)].count("Renamed") == 1
    assert len(rows(var, schedules)) == 6
    assert rows(var, runs) == [("RUN_NOW", "QUEUED", 0)] * 3


def test_the_passwords_written_down_let_one_in(var):
    """F3, E3: and stand nowhere but in a file for the owner alone."""
    from portal import clock, create_app
    from portal.people.sign_in import sign_in

    assert seed.main([]) == 0
    path = var / "sign-in.txt"
    assert path.stat().st_mode & 0o777 == 0o600
    lines = path.read_text().splitlines()
    assert len(lines) == 2
    with create_app().app_context():
        for line in lines:
            *_, email, password = line.split()
            assert sign_in(email, password, address="127.0.0.1", user_agent="test", now=clock.now())


def test_a_register_half_made_is_told(var, capsys):
    """F3: a start broken off in the middle is not taken for a finished one."""
    assert seed.main([]) == 0
    with sqlite3.connect(var / "duepost.sqlite3") as connection:
        connection.execute("DELETE FROM case_imports")
    capsys.readouterr()
    assert seed.main([]) == 2
    assert capsys.readouterr().err == "The demo's register is only half made; start over with: make demo-reset\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--data", "."], "Give DATA and EXAMPLE together: make demo DATA=folder EXAMPLE=new-orleans"),
        (["--data", ".", "--example", "atlantis"], "There is no example “atlantis”; EXAMPLE is one of: new-orleans"),
        (["--data", "/no/such", "--example", "new-orleans"], "DATA names /no/such, which is no folder."),
        (["--data", str(ROOT / "templates"), "--example", "new-orleans"], "holds no file that can be imported (.csv"),
    ],
)
def test_data_that_cannot_be_taken_is_one_sentence(var, capsys, arguments, sentence):
    """F3: exit 2 and what to do."""
    assert seed.main(arguments) == 2
    assert sentence in capsys.readouterr().err


def test_an_example_is_imported_once_and_by_the_commands_of_a_user(var, tmp_path, capfd):
    """F3: its organization stands beside the made one, with people of its own; a second start leaves it as it is."""
    data = tmp_path / "data"
    data.mkdir()
    mapping = (ROOT / "examples" / "new-orleans" / "mapping.toml").read_text(encoding="utf-8")
    columns = sorted(set(re.findall(r'"([^"\n]+)"', mapping)))  # every column that it reads, and some words more
    values = {"Complaint Tracking Number": "2022-0001-P", "Date Complaint Received by NOPD (PIB)": "2022/1/4"}
    values |= {"Investigation status": "Active", "Unique Officer Allegation ID": "A1"}
    (data / "cases.csv").write_text(
        ",".join(f'"{name}"' for name in columns) + "\n" + ",".join(values.get(name, "") for name in columns) + "\n"
    )
    line = ["--data", str(data), "--example", "new-orleans"]
    assert seed.main(line) == 0
    assert "Imported." in capfd.readouterr().out
    assert seed.main(line) == 0
    assert "Imported." not in capfd.readouterr().out
    counted = "SELECT slug, count(*) FROM cases JOIN organizations o ON o.id = organization_id GROUP BY slug ORDER BY 1"
    assert rows(var, counted) == [("lakeside", 60), ("new-orleans", 1)]
    assert len((var / "sign-in.txt").read_text().splitlines()) == 4
