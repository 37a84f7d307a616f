"""`make demo`: what dies comes back, and the end leaves nothing behind."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo import __main__ as demo
from demo.supervisor import Process, Stopped, Supervisor, members_of
from portal.config import ROOT, Settings, read_settings
from portal.plumbing import embedded_redis

DEADLINE = 20
# stands for RQ's work horse: a child in a process group of its own, deaf to SIGTERM
FORKS_AND_WAITS = """
import os, signal, time
if os.fork() == 0:
    os.setpgrp()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("horse", os.getpid(), flush=True)
time.sleep(600)
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
COUNTS_WORDS = """
import signal, sys, time
words = []
signal.signal(signal.SIGTERM, lambda *_: words.append(1))
print("up", flush=True)
while not words:
    signal.pause()
end = time.monotonic() + 3  # longer than RQ's own patience with a first word
while time.monotonic() < end:
    time.sleep(0.1)
print(len(words), flush=True)
"""
WAITS = "import time; print('up', flush=True); time.sleep(600)"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    made = Supervisor(dict(os.environ), tmp_path, tmp_path, said.append)
    yield made
    made.stop()


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def until(holds: Callable[[], bool]) -> Callable[[], bool]:
    """The condition, or a failure when it does not come to hold."""
    deadline = time.monotonic() + DEADLINE

    def check() -> bool:
        assert time.monotonic() < deadline, "did not come to hold"
        return holds()

    return check


def gone(pid: int) -> bool:
    return (
        not Path(f"/proc/{pid}").exists() or Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    )


def log_of(tmp_path: Path, name: str) -> str:
    path = tmp_path / f"{name}.log"
    return path.read_text() if path.exists() else ""


def test_a_process_that_is_killed_is_started_again(supervisor, said, tmp_path):
    """Commands, make demo: what dies is restarted, with a short line on the console and its own log."""
    supervisor.start(Process("worker", python(WAITS)))
    supervisor.watch(until(lambda: "up" in log_of(tmp_path, "worker")))
    first = supervisor.pids()["worker"]
    os.kill(first, signal.SIGKILL)
    supervisor.watch(until(lambda: supervisor.pids().get("worker", first) != first))
    assert said == [f"[worker] was ended by SIGKILL; starting it again in 0.5 s (log: {tmp_path}/worker.log)"]


def test_one_that_always_fails_is_tried_ever_more_rarely(supervisor, said):
    """Commands, make demo: a restart waits longer each time, so that a broken process does not spin."""
    supervisor.start(Process("scheduler", python("raise SystemExit(3)")))
    supervisor.watch(until(lambda: len(said) == 3), every=0.02)
    assert [line.split("again in ")[1].split(" s")[0] for line in said] == ["0.5", "1", "2"]
    assert "ended with code 3" in said[0]


def test_one_that_cannot_be_started_again_is_tried_later(supervisor, said, tmp_path):
    """Supervision: no memory, no more processes; the supervisor itself goes on and looks after the others."""
    program = tmp_path / "program"
    program.symlink_to(sys.executable)
    supervisor.start(Process("worker", [str(program), "-c", WAITS]))
    supervisor.watch(until(lambda: "up" in log_of(tmp_path, "worker")))
    program.unlink()
    os.kill(supervisor.pids()["worker"], signal.SIGKILL)
    supervisor.watch(until(lambda: any("cannot be started" in line for line in said)))
    program.symlink_to(sys.executable)
    supervisor.watch(until(lambda: "worker" in supervisor.pids()))


def test_the_end_is_asked_for_once_and_waited_for(supervisor, tmp_path):
    """B7: a worker that gives its run back needs a moment, and takes a second word for no other."""
    supervisor.start(Process("worker", python(COUNTS_WORDS)))
    supervisor.watch(until(lambda: "up" in log_of(tmp_path, "worker")))
    supervisor.stop()
    assert log_of(tmp_path, "worker").split() == ["up", "1"]


def test_the_end_leaves_nothing_behind(supervisor, tmp_path):
    """Commands, make demo: neither a deaf process nor one forked into a group of its own outlives the demo."""
    supervisor.start(Process("redis", python(WAITS), outlives=True))
    supervisor.start(Process("worker", python(FORKS_AND_WAITS)))
    supervisor.start(Process("web", python(DEAF)))
    ready = lambda: "horse" in log_of(tmp_path, "worker") and "deaf" in log_of(tmp_path, "web")  # noqa: E731
    supervisor.watch(until(ready))
    pids = supervisor.pids()
    horse = int(log_of(tmp_path, "worker").split()[1])
    assert set(members_of(pids.values())) == {*pids.values(), horse}
    supervisor.stop()
    assert members_of(pids.values()) == []
    assert all(gone(pid) for pid in (*pids.values(), horse))


def test_what_a_killed_process_had_forked_ends_too(supervisor, tmp_path):
    """Commands, make demo: the horse of a worker that was killed is nobody's child, and is found all the same."""
    supervisor.start(Process("worker", python(FORKS_AND_WAITS)))
    supervisor.watch(until(lambda: "horse" in log_of(tmp_path, "worker")))
    first, horse = supervisor.pids()["worker"], int(log_of(tmp_path, "worker").split()[1])
    os.kill(first, signal.SIGKILL)
    supervisor.watch(until(lambda: supervisor.pids().get("worker", first) != first))
    assert not gone(horse)
    supervisor.stop()
    assert gone(horse)


def test_being_asked_to_stop_ends_the_watch_and_what_is_being_run(supervisor):
    """Commands, make demo: Ctrl-C while the data is being made."""
    supervisor.ask_to_stop()
    with pytest.raises(Stopped):
        supervisor.run(python(WAITS))


def test_running_something_to_its_end_gives_its_code(supervisor):
    assert supervisor.run(python("raise SystemExit(5)")) == 5


def test_a_taken_port_is_one_sentence(capsys, tmp_path):
    """Commands, make demo: and nothing was made."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert demo.main(["--port", str(port), "--var", str(tmp_path / "var")]) == 2
    assert (
        capsys.readouterr().err
        == f"Port {port} is taken by another program; choose another: make demo PORT={port + 1}\n"
    )
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("port", ["eighty", "70000", "-1", "", "0"])
def test_a_port_that_is_none_is_one_sentence(port, capsys, tmp_path):
    """Commands, make demo."""
    assert demo.main([f"--port={port}", "--var", str(tmp_path / "var")]) == 2
    assert "PORT is a number from 1 to 65535" in capsys.readouterr().err


def test_the_settings_of_the_shell_do_not_reach_the_demo(monkeypatch, tmp_path):
    """F3: a demo never mails by a real server nor writes into a real database that the shell or .env names."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://real.example.org/register")
    monkeypatch.setenv("MAIL_USERNAME", "real")
    settings = read_settings(demo.environment(tmp_path, 8000, 2525))
    assert settings.effective_database_url == f"sqlite:///{tmp_path}/duepost.sqlite3"
    assert (settings.mail_username, settings.mail_server, settings.mail_port) == ("", "127.0.0.1", 2525)
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600
    again = read_settings(demo.environment(tmp_path, 8000, 2525))
    assert again.secret_key == settings.secret_key
    assert isinstance(settings, Settings)


def test_a_long_folder_gets_a_socket_elsewhere(tmp_path):
    """A socket's path may have about a hundred bytes; a deep folder must not stop the start."""
    deep = tmp_path / ("x" * 120)
    assert embedded_redis.socket_of(tmp_path / "r") == tmp_path / "r" / "redis.sock"
    assert len(str(embedded_redis.socket_of(deep))) <= embedded_redis.LONGEST_SOCKET_PATH
    assert embedded_redis.socket_of(deep) == embedded_redis.socket_of(deep)
    assert embedded_redis.socket_of(deep) != embedded_redis.socket_of(tmp_path / ("y" * 120))


def test_the_embedded_redis_reads_the_settings_where_the_program_does(monkeypatch, tmp_path, capsys):
    begun = []
    monkeypatch.setattr(embedded_redis, "ROOT", tmp_path)
    monkeypatch.setattr(os, "execv", lambda _program, line: begun.append(line))
    for name in ("SECRET_KEY", "DUEPOST_VAR"):
        monkeypatch.setenv(name, "")  # put back at the end, whatever the file sets
        monkeypatch.delenv(name)
    with pytest.raises(SystemExit) as ended:
        embedded_redis.main()
    assert ended.value.code == 2
    assert "SECRET_KEY is not set" in capsys.readouterr().err
    (tmp_path / ".env").write_text(f"SECRET_KEY={secrets.token_urlsafe(48)}\nDUEPOST_VAR={tmp_path / 'var'}\n")
    embedded_redis.main()
    assert begun == [embedded_redis.command(tmp_path / "var" / "redis")]


def test_the_embedded_redis_keeps_what_it_holds_and_listens_on_no_port(supervisor, tmp_path):
    """G6: a restart of the server loses no wake-up."""
    from redis import Redis

    folder = tmp_path / ("deep" * 30)
    embedded_redis.prepare(folder)
    supervisor.start(Process("redis", embedded_redis.command(folder), outlives=True))
    supervisor.watch(until(lambda: embedded_redis.answers(folder)), every=0.02)
    with Redis(unix_socket_path=str(embedded_redis.socket_of(folder))) as connection:
        assert connection.config_get("port") == {"port": "0"}
        connection.set("wake-up", "1")
        first = supervisor.pids()["redis"]
        os.kill(first, signal.SIGTERM)
    supervisor.watch(until(lambda: supervisor.pids().get("redis", first) != first and embedded_redis.answers(folder)))
    with Redis(unix_socket_path=str(embedded_redis.socket_of(folder))) as connection:
        assert connection.get("wake-up") == b"1"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_whole_demo_starts_answers_and_ends(tmp_path):
    """F3: page, sign-ins and register are there; SIGTERM ends every process; a second start makes nothing anew."""
    var, port = tmp_path / "demo", demo.free_port()
    line = [sys.executable, "-m", "demo", "--port", str(port), "--var", str(var)]
    first = started(line, tmp_path / "first.out", port)
    second_try = subprocess.run([*line[:4], str(demo.free_port()), *line[5:]], capture_output=True, text=True, cwd=ROOT)
    assert second_try.returncode == 2
    assert "running in" in second_try.stderr
    ended_well(first)
    said = (tmp_path / "first.out").read_text()
    sign_in = (var / "sign-in.txt").read_text()
    assert (var / "sign-in.txt").stat().st_mode & 0o777 == 0o600
    assert sign_in in said
    assert "3,000 cases" in said
    assert "ana@lakeside.example.org" in sign_in
    ended_well(started(line, tmp_path / "second.out", port))
    assert "3,000 cases" not in (tmp_path / "second.out").read_text()
    assert (var / "sign-in.txt").read_text() == sign_in


def started(line: list[str], output: Path, port: int) -> subprocess.Popen[bytes]:
    with output.open("wb") as file:
        running = subprocess.Popen(line, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 60
    while "Ctrl-C ends it" not in output.read_text():
        assert running.poll() is None, output.read_text()
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.1)
    assert demo.page_answers(port)
    return running


def ended_well(running: subprocess.Popen[bytes]) -> None:
    sessions = children_of(running.pid)
    assert len(sessions) == 6
    running.send_signal(signal.SIGTERM)
    assert running.wait(15) == 0
    assert members_of(sessions) == []


def children_of(pid: int) -> set[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in listed}
