"""The home directory of one system on one machine: data, keys, logs, and what is running there now."""

import contextlib
import fcntl
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from chassis.clock import ClockKind
from chassis.files import read_whole, write_whole
from chassis.settings import BusKind
from rekku.problems import Problem


@dataclass(frozen=True)
class Instance:
    """One running process of a service."""

    service: str
    port: int
    pid: int | None = None

    @property
    def url(self) -> str:
        """Where its HTTP interface answers."""
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Run:
    """A running system: written by `rekku up` while it runs, read by the other commands.

    `socket` is the folder of PostgreSQL's Unix socket; the passwords are in a file of their own.
    `kafka_servers` are the addresses of its brokers, where its bus is Kafka.
    """

    pid: Annotated[int, Field(gt=0, lt=2**31)]
    url: str
    clock: ClockKind
    socket: str
    instances: tuple[Instance, ...] = field(default=())
    bus: BusKind = BusKind.EMBEDDED
    kafka_servers: str = ""

    def first(self, service: str) -> Instance:
        """The first instance of a service.

        Raises:
            Problem: no such service runs here.
        """
        for instance in self.instances:
            if instance.service == service:
                return instance
        known = ", ".join(sorted({instance.service for instance in self.instances}))
        raise Problem(f"no service named {service} runs here; there are {known}")


class Home:
    """The directory that `REKKU_HOME` names; made when it is missing.

    Raises:
        Problem: the name leads nowhere.
    """

    def __init__(self, path: Path) -> None:
        try:
            self.path = path.expanduser().resolve()
        except (OSError, RuntimeError) as error:
            raise Problem(f"REKKU_HOME={path} leads nowhere: {error}") from error

    @property
    def logs(self) -> Path:
        """The services' logs, one file each."""
        return self.path / "logs"

    @property
    def run_file(self) -> Path:
        """What runs here now."""
        return self.path / "run.json"

    def prepare(self) -> None:
        """Make the directories and see that the database server's own user can reach them.

        Raises:
            Problem: the directory cannot be made, written to or reached.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.logs.mkdir(exist_ok=True)
        except OSError as error:
            raise Problem(f"the home directory {self.path} cannot be used: {error.strerror}") from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise Problem(f"the home directory {self.path} cannot be written to")
        if os.geteuid() == 0:
            self._check_traversable()

    def _check_traversable(self) -> None:
        """As root, PostgreSQL runs as a user of its own, who must be able to walk to its data."""
        for directory in (self.path, *self.path.parents):
            if not directory.stat().st_mode & stat.S_IXOTH:
                raise Problem(
                    f"PostgreSQL, which does not run as root, cannot reach {self.path}: "
                    f"{directory} is closed to others (chmod o+x, or choose another REKKU_HOME)"
                )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold this home; at most one system runs in it.

        Raises:
            Problem: another system is running here.
        """
        with (self.path / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Problem(f"a system is already running in {self.path}") from error
            try:
                yield
            finally:
                self.run_file.unlink(missing_ok=True)

    def write_run(self, run: Run) -> None:
        """Record what runs here.

        Raises:
            FileUnusable: it cannot be recorded.
        """
        write_whole(self.run_file, json.dumps(asdict(run), indent=2))

    def run(self) -> Run | None:
        """What runs here now; None where nothing does, also after a crash left its file behind.

        Raises:
            FileUnusable: the record is broken.
        """
        remedy = "stop the system that runs here, if one does, and start it again: it writes the file anew"
        run = read_whole(self.run_file, TypeAdapter(Run).validate_json, remedy)
        try:
            if run is not None:
                os.kill(run.pid, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            pass
        return run

    def running(self) -> Run:
        """What runs here now.

        Raises:
            Problem: nothing does.
            FileUnusable: the record of it is broken.
        """
        run = self.run()
        if run is None:
            raise Problem(f"no system is running in {self.path}: start it with `rekku up`")
        return run
