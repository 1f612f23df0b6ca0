"""Deployments without an engine or a cluster: what a file gives to a container, as a process on loopback.

Only places are put in other words: servers and services answer on loopback ports, volumes are
folders. Of this process' environment only PATH is passed on. No container begins with a Python of its own:
its process is forked from the nursery, as six services that load what they run would spend most of the time
of a story on that. `python -m rekku` itself is what tests/rekku/test_up.py starts.
"""

import asyncio
import contextlib
import json
import os
import re
import ssl
import sys
from pathlib import Path

from rekku.up import free_ports

ROOT = Path(__file__).parents[2]
HOME = "/var/lib/rekku"
_DOCKERFILE = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
_HEALTHY_WITHIN_S = 120
_GRACE_S = 15
_LOOK_EVERY_S = 0.05


def image_environment():
    """What the image itself sets."""
    (last,) = re.findall(r"^ENV (?=PATH)(.*)$", _DOCKERFILE, re.MULTILINE)
    return dict(word.split("=", 1) for word in last.split() if not word.startswith("PATH="))


def health_check():
    """The image's command that tells whether a container is well."""
    return json.loads(re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", _DOCKERFILE, re.MULTILINE)[1])


class Containers:
    """Containers of the image, by name, as processes.

    Args:
        nursery: what forks them.
        names: of the containers.
        folder: for logs and homes.
        places: what stands in a file, and where it is here.
    """

    scheme = "http"
    verify = True
    """How httpx verifies what they answer with."""

    def __init__(self, nursery, names, folder, places):
        self.folder = folder
        self._nursery = nursery
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self._places = places | {f"//{name}:8080": f"//127.0.0.1:{port}" for name, port in self.ports.items()}
        self._stack = contextlib.AsyncExitStack()
        self._given = {}

    def url(self, name):
        return f"{self.scheme}://127.0.0.1:{self.ports[name]}"

    def log(self, name):
        return self.folder / f"{name}.log"

    async def start(self, name, arguments, environment, home):
        """Fork `rekku ARGUMENTS` with the image's variables and `environment`; its home is not made here."""
        given = image_environment() | environment
        for place, here in self._places.items():
            given = {key: value.replace(place, here) for key, value in given.items()}
        given |= {"REKKU_HOST": "127.0.0.1", "REKKU_PORT": str(self.ports[name]), "REKKU_HOME": str(home)}
        self._given[name] = given | {"PATH": os.environ["PATH"]}
        process = await self._nursery.start(arguments, self._given[name], self.log(name))
        self._stack.push_async_callback(_end, process)
        return process

    async def healthy(self, name, process):
        """Wait until the image's own health check says so; it is asked once there is somebody to answer."""
        program, *arguments = health_check()
        assert program == "python"
        async with asyncio.timeout(_HEALTHY_WITHIN_S):
            while not (await self._listens(name) and await _status(arguments, self._given[name]) == 0):
                assert process.returncode is None, self.log(name).read_text()
                await asyncio.sleep(_LOOK_EVERY_S)

    async def _listens(self, name):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.ports[name])
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    async def down(self):
        await self._stack.aclose()


async def _status(arguments, environment):
    asking = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    return await asking.wait()


async def _end(process):
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(_GRACE_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


class Composed(Containers):
    """The services of a compose document that are built here, run in the order it asks for."""

    def __init__(self, nursery, document, folder, places):
        self.services = {name: one for name, one in document["services"].items() if one.get("build") == "."}
        super().__init__(nursery, list(self.services), folder, places)

    def home(self, name):
        """The service's volume; a folder that is not there where it has none, as its root is read-only."""
        volumes = [volume.split(":")[0] for volume in self.services[name].get("volumes", []) if HOME in volume]
        folder = self.folder / "volumes" / (volumes[0] if volumes else f"nothing-{name}")
        if volumes:
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def before(self, name):
        """What has to have ended well before this one starts; servers that have to be healthy already are."""
        return [
            other
            for other, rule in self.services[name].get("depends_on", {}).items()
            if rule["condition"] == "service_completed_successfully"
        ]

    def is_job(self, name):
        return any(name in self.before(other) for other in self.services)

    async def up(self):
        """Run the jobs in order, then start the services and wait until all of them are healthy; their names."""
        done = []
        while waiting := [name for name in self.services if self.is_job(name) and name not in done]:
            name = next(name for name in waiting if set(self.before(name)) <= set(done))
            process = await self._start(name)
            assert await process.wait() == 0, self.log(name).read_text()
            done.append(name)
        running = [name for name in self.services if not self.is_job(name)]
        processes = {name: await self._start(name) for name in running}
        await asyncio.gather(*(self.healthy(name, process) for name, process in processes.items()))
        return running

    async def _start(self, name):
        one = self.services[name]
        return await self.start(name, one["command"], one.get("environment", {}), self.home(name))


class Deployed(Containers):
    """Deployments of Kubernetes, one pod each.

    Args:
        nursery: what forks them.
        deployments: by name.
        config_maps: by name.
        secrets: values by (name, key).
        machine: variables that stand for what the machine has, such as whom it trusts.
        authority: who has signed what all of them show.
    """

    scheme = "https"

    def __init__(self, nursery, deployments, config_maps, secrets, folder, places, machine, authority):
        self.verify = ssl.create_default_context(cafile=authority.ca_file)
        self.deployments = deployments
        self._config_maps = config_maps
        self._secrets = secrets
        self._machine = machine
        super().__init__(nursery, list(deployments), folder, places)

    def environment(self, name):
        (container,) = self.deployments[name]["spec"]["template"]["spec"]["containers"]
        given = {}
        for source in container["envFrom"]:
            given |= self._config_maps[source["configMapRef"]["name"]]["data"]
        for variable in container["env"]:
            given[variable["name"]] = self._value(name, variable)
        return given

    def _value(self, pod, variable):
        source = variable.get("valueFrom", {})
        if "secretKeyRef" in source:
            return self._secrets[source["secretKeyRef"]["name"], source["secretKeyRef"]["key"]]
        if "configMapKeyRef" in source:
            return self._config_maps[source["configMapKeyRef"]["name"]]["data"][source["configMapKeyRef"]["key"]]
        return f"{pod}-1" if "fieldRef" in source else variable["value"]

    async def up(self):
        """Start one pod of each and wait until all of them are healthy."""
        processes = {}
        for name, deployment in self.deployments.items():
            (container,) = deployment["spec"]["template"]["spec"]["containers"]
            home = self.folder / "volumes" / name
            home.mkdir(parents=True)
            given = self.environment(name) | self._machine
            processes[name] = await self.start(name, container["args"], given, home)
        await asyncio.gather(*(self.healthy(name, process) for name, process in processes.items()))
