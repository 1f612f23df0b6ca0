"""Whether PostgreSQL answers, asked on a connection of its own: whoever fills the pool does not change the answer."""

import asyncio

import asyncpg

_WITHIN_S = 2.0


class Probe:
    """One connection for all probes of a process, made when it is first needed and again when it is lost.

    Whoever asks while a question is under way gets its answer: any number of strangers' probes are one question,
    and the one that decides whether this process gets requests does not stand in line behind them.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._asking: asyncio.Task[bool] | None = None

    async def answers(self) -> bool:
        """True where PostgreSQL answers within two seconds; why it does not makes no difference."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> bool:
        try:
            async with asyncio.timeout(_WITHIN_S):
                if self._connection is None or self._connection.is_closed():
                    self._connection = await asyncpg.connect(
                        self._url, server_settings={"application_name": "rekku-probe"}
                    )
                await self._connection.fetchval("SELECT 1")
        except Exception:  # noqa: BLE001 - also what asyncpg raises where a server dies in the middle of an answer
            self.close()
            return False
        return True

    def close(self) -> None:
        """Let the connection go, without a word to a server that may not answer."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
