"""What is a failure of the moment: every SQLSTATE there is, asyncpg's own states, and the operating system's errors."""

import asyncio
import errno
import socket
from pathlib import Path

import asyncpg
import pytest

from chassis.bus import BusUnavailable
from chassis.failures import OF_THE_MOMENT, backoff_s, of_the_moment, until_it_passes
from chassis.inbox import Unacceptable
from chassis.testing import ServiceUnderTest
from contracts.refusals import Refusal

ERRORS = {
    error.sqlstate: error
    for error in vars(asyncpg.exceptions).values()
    if isinstance(error, type) and issubclass(error, asyncpg.PostgresError) and error.sqlstate
} | {"0A000": asyncpg.FeatureNotSupportedError}

PASSES = {
    "connection": {"08000", "08001", "08003", "08004", "08006", "08007", "08P01"},
    "read-only": {"25006"},
    "ended session": {"25P03", "25P04", "57P05"},
    "lost race": {"40000", "40001", "40003", "40P01"},
    "resources": {"53000", "53100", "53200", "53300", "53400"},
    "lock": {"55P03"},
    "cancelled": {"57014"},
    "shutdown": {"57P01", "57P02", "57P03"},
    "system": {"58000", "58030"},
}
"""Written down apart from the code: whoever changes one is asked by the other."""


@pytest.mark.parametrize("state", sorted(ERRORS))
def test_every_sqlstate_is_of_the_moment_or_a_fault(state: str):
    assert of_the_moment(ERRORS[state]("x")) is any(state in states for states in PASSES.values())


def test_every_class_that_passes_has_a_reason_and_a_sqlstate():
    assert all(OF_THE_MOMENT.values())
    for prefix in OF_THE_MOMENT:
        assert any(state.startswith(prefix) for state in ERRORS), prefix


def test_a_sqlstate_that_asyncpg_does_not_know_goes_by_its_class():
    unknown = asyncpg.PostgresError.new({"C": "53999", "M": "x", "S": "ERROR", "V": "ERROR"})
    assert of_the_moment(unknown)
    assert not of_the_moment(asyncpg.PostgresError.new({"C": "22999", "M": "x", "S": "ERROR", "V": "ERROR"}))


async def test_asyncpgs_own_states_are_told_from_calls_put_wrongly(toy: ServiceUnderTest):
    """Real ones: the words are asyncpg's, and may change with it."""
    pool = toy.db.pool
    async with pool.acquire() as connection:
        with pytest.raises(asyncpg.InterfaceError) as put_wrongly:
            await connection.fetchval("SELECT $1::int")
        with pytest.raises(asyncpg.DataError) as wrong_type:
            await connection.fetchval("SELECT $1::int", "x")
    async with pool.acquire() as connection:
        connection.terminate()
        with pytest.raises(asyncpg.InterfaceError) as lost:
            await connection.fetchval("SELECT 1")
    own = await asyncpg.connect(toy.settings.database_url.get_secret_value())
    own.terminate()
    with pytest.raises(asyncpg.InterfaceError) as closed:
        await own.fetchval("SELECT 1")
    async with pool.acquire() as connection:
        ended = asyncio.create_task(connection.fetchval("SELECT pg_terminate_backend(pg_backend_pid())"))
        with pytest.raises(asyncpg.PostgresError) as ended_by_server:
            await ended
    pool.terminate()
    with pytest.raises(asyncpg.InterfaceError) as pool_closed:
        await pool.fetchval("SELECT 1")
    for passing in (lost, closed, ended_by_server, pool_closed):
        assert of_the_moment(passing.value), passing.value
    for fault in (put_wrongly, wrong_type):
        assert not of_the_moment(fault.value), fault.value


def test_a_file_that_is_missing_or_cannot_be_read_is_a_fault(tmp_path: Path):
    with pytest.raises(FileNotFoundError) as missing:
        (tmp_path / "missing").read_bytes()
    assert not of_the_moment(missing.value)
    with pytest.raises(IsADirectoryError) as closed:
        tmp_path.read_bytes()
    assert not of_the_moment(closed.value)


async def test_a_connection_that_cannot_be_made_passes(tmp_path: Path):
    for host in (str(tmp_path), str(tmp_path / "missing")):
        with pytest.raises((FileNotFoundError, ConnectionError)) as away:
            await asyncpg.connect(host=host, user="x")
        assert of_the_moment(away.value), away.value
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError) as refused:
            await asyncpg.connect(host="127.0.0.1", port=bound.getsockname()[1], user="x")
    assert of_the_moment(refused.value)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (TimeoutError(), True),
        (ConnectionResetError(), True),
        (BusUnavailable("away"), True),
        (socket.gaierror(socket.EAI_AGAIN, "no name"), True),
        (OSError(errno.ENOSPC, "full", "/x"), True),
        (OSError(errno.EMFILE, "too many"), True),
        (asyncpg.InvalidCachedStatementError("the schema has changed"), True),
        (asyncpg.OutdatedSchemaCacheError("the schema has changed"), True),
        (asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress"), True),
        (Unacceptable("x"), False),
        (Refusal("X"), False),
        (ZeroDivisionError(), False),
        (asyncio.CancelledError(), False),
    ],
)
def test_what_is_not_postgresqls(error: BaseException, passes: bool):
    assert of_the_moment(error) is passes


def test_pauses_are_bounded_after_any_number_of_failures():
    assert max(backoff_s(attempt, most_s=0.5) for attempt in (0, 1, 10, 100, 5_000)) <= 0.5


async def test_work_is_tried_until_it_passes_and_a_fault_ends_it(monkeypatch: pytest.MonkeyPatch):
    outcomes: list[BaseException | int] = [TimeoutError(), asyncpg.ReadOnlySQLTransactionError("x"), 7]

    async def work() -> int:
        outcome = outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr("chassis.failures.backoff_s", lambda *_, **__: 0)
    assert await until_it_passes(work, "the test waits") == 7
    outcomes.append(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await until_it_passes(work, "the test waits")
