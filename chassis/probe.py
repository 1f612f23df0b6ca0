"""Whether PostgreSQL answers, asked on a connection of its own: whoever fills the pool does not change the answer."""

import asyncio

import asyncpg

_WITHIN_S = 2.0


class Probe:
    """One connection for all probes of a process, made when it is first needed and again when it is lost."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._one_by_one = asyncio.Lock()

    async def answers(self) -> bool:
        """True where PostgreSQL answers within two seconds; why it does not makes no difference."""
        try:
            async with asyncio.timeout(_WITHIN_S), self._one_by_one:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await asyncpg.connect(
                        self._url, server_settings={"application_name": "rekku-probe"}
                    )
                await self._connection.fetchval("SELECT 1")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            self.close()
            return False
        return True

    def close(self) -> None:
        """Let the connection go, without a word to a server that may not answer."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
