"""A TCP proxy before each broker, so that the network between services and brokers can be slow, stalled or cut."""

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field
from enum import StrEnum

_HOST = "127.0.0.1"
_CHUNK = 64 * 1024


class Weather(StrEnum):
    """What the network does with what it is given."""

    FINE = "fine"
    SLOW = "slow"
    STALLED = "stalled"
    CUT = "cut"


@dataclass
class Link:
    """The way to one broker. While it is slow every piece waits `delay_s`, while stalled nothing passes."""

    broker: int
    port: int
    listening: socket.socket
    delay_s: float = 0.15
    weather: Weather = Weather.FINE
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    @property
    def advertised(self) -> int:
        """The port clients are told."""
        return self.listening.getsockname()[1]

    async def open(self):
        """Take connections."""
        self._server = await asyncio.start_server(self._connected, sock=self.listening)

    def become(self, weather: Weather):
        """Change the weather; when the network is cut every connection ends and new ones are refused at once."""
        self.weather = weather
        self._changed.set()
        self._changed = asyncio.Event()
        if weather is Weather.CUT:
            for writer in self._open:
                writer.transport.abort()

    async def close(self):
        """Take no more connections and end those there are."""
        if self._server is not None:
            self._server.close()
        self.become(Weather.CUT)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.listening.close()

    async def _connected(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        self._open.add(writer)
        try:
            if self.weather is not Weather.CUT:
                await self._join(reader, writer)
        finally:
            self._open.discard(writer)
            writer.transport.abort()
            self._tasks.discard(task)

    async def _join(self, reader, writer):
        try:
            there, onwards = await asyncio.open_connection(_HOST, self.port)
        except OSError:
            return
        self._open.add(onwards)
        ways = [asyncio.create_task(self._carry(*way)) for way in ((reader, onwards), (there, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._open.discard(onwards)
            onwards.transport.abort()

    async def _carry(self, reader, writer):
        with contextlib.suppress(OSError):
            while piece := await reader.read(_CHUNK):
                if self.weather is Weather.SLOW:
                    await asyncio.sleep(self.delay_s)
                while self.weather is Weather.STALLED:
                    await self._changed.wait()
                writer.write(piece)
                await writer.drain()


class Network:
    """The links to all brokers; `advertise` is what a cluster asks for the port its clients are to be told."""

    def __init__(self):
        self.links: dict[int, Link] = {}
        self._loop = asyncio.get_running_loop()

    def advertise(self, broker, port):
        """The port of the link to a broker that listens on `port`; a link once made stays, and opens by itself."""
        if broker not in self.links:
            listening = socket.socket()
            listening.bind((_HOST, 0))
            listening.listen()
            self.links[broker] = link = Link(broker, port, listening)
            asyncio.run_coroutine_threadsafe(link.open(), self._loop)
        self.links[broker].port = port
        return self.links[broker].advertised

    async def close(self):
        """End every link."""
        for link in self.links.values():
            await link.close()
