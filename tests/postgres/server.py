"""A PostgreSQL server of the test's own, from what Debian's package installs; nothing of the machine's is touched.

Its files lie in a new folder, it listens on a socket in that folder and on no network, and it is stopped and removed
whatever happens. PostgreSQL refuses to run as the superuser, so there it runs as the user that the package made.
"""

from __future__ import annotations

import glob
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

ACCOUNT = "postgres"
_START_S = 60  # a busy machine is no failure


def programs() -> Path | None:
    """Where initdb and pg_ctl are; None: no server is installed."""
    places = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda place: int(place.split("/")[-2]), reverse=True)
    if shutil.which("pg_config"):
        asked = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
        places.append(asked.stdout.strip())
    return next((Path(place) for place in places if place and (Path(place) / "initdb").exists()), None)


class Server:
    def __init__(self, bin_folder: Path) -> None:
        self._bin = bin_folder
        self._as = ["runuser", "-u", ACCOUNT, "--"] if os.geteuid() == 0 else []
        # Not below pytest's folder, which other users may not enter; and the path of a socket has at most 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="ionto-pg-", dir="/tmp"))
        self._port = _free_port()
        self.user = ACCOUNT
        if self._as:
            shutil.chown(self._folder, ACCOUNT)
        try:
            # Letters as people sort them: what must not depend on that shows itself.
            locale = ["--locale-provider=icu", "--icu-locale=en", "--locale=C.UTF-8", "--encoding=UTF8"]
            self._run("initdb", "--auth=trust", "-U", ACCOUNT, "--no-sync", *locale, "-D", self._data)
            self.start()
        except BaseException:
            self.remove()
            raise

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def url(self, base: str, driver: str = "+psycopg") -> str:
        return f"postgresql{driver}://{self.user}@/{base}?host={self._folder}&port={self._port}"

    def start(self) -> None:
        options = f"-c listen_addresses='' -k {self._folder} -p {self._port} -F"
        log = str(self._folder / "log")
        self._run("pg_ctl", "start", "-w", "-t", str(_START_S), "-D", self._data, "-l", log, "-o", options)

    def vanish(self) -> None:
        """As if its machine lost power: no goodbye to anybody."""
        self._run("pg_ctl", "stop", "-m", "immediate", "-w", "-D", self._data)

    def new_base(self, name: str) -> str:
        self._run("createdb", "-h", str(self._folder), "-p", str(self._port), "-U", ACCOUNT, name)
        return self.url(name)

    def remove(self) -> None:
        if (self._folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "-m", "immediate", "-w", "-D", self._data)
        shutil.rmtree(self._folder)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._bin / program), *arguments]
        done = subprocess.run(
            command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=2 * _START_S, check=False,
        ) if program != "pg_ctl" else self._quietly(command)  # fmt: skip
        if done.returncode:
            log = self._folder / "log"
            said = f"{done.stdout}\n{log.read_text('utf-8', 'replace') if log.exists() else ''}"
            raise RuntimeError(f"{program}: exit {done.returncode}: {said.strip()}")

    def _quietly(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """The server keeps what pg_ctl had as its standard output: a pipe would never end."""
        out = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.run(command, cwd=self._folder, stdin=subprocess.DEVNULL, timeout=120, check=False, **out)


def _free_port() -> int:
    """The socket's name has it, and the server makes the key of its shared memory from it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
