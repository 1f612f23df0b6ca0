"""Services are forked from one process; what becomes of them when something in between dies."""

import asyncio
import os
import signal
import socket

import psutil
import pytest

from rekku.nursery import Nursery
from rekku.problems import Problem
from services.search.app import SERVICE
from tests.races import until

PATIENCE_S = 60


@pytest.fixture
async def nursery(tmp_path):
    nursery = Nursery(os.environ, tmp_path / "nursery.log")
    yield nursery
    await nursery.close()


async def test_a_process_that_cannot_serve_says_so_in_its_own_log(nursery, tmp_path):
    """As one started by a command line does, with the same status."""
    log = tmp_path / "billing.log"
    process = await nursery.start(["serve", "billing"], dict(os.environ), log)
    assert await asyncio.wait_for(process.wait(), PATIENCE_S) == process.returncode == 2
    assert log.read_text().startswith("rekku: there is no service billing")
    process.kill()


async def test_a_command_line_is_given_word_by_word(nursery, tmp_path):
    """Otherwise its letters would be the words."""
    with pytest.raises(TypeError, match="word by word"):
        await nursery.start("topics", dict(os.environ), tmp_path / "topics.log")


async def test_each_has_its_own_environment(nursery, tmp_path):
    for setting, value in (("REKKU_PORT", "no port"), ("REKKU_CLOCK", "sundial")):
        log = tmp_path / f"{setting}.log"
        process = await nursery.start(["serve", "search"], dict(os.environ) | {setting: value}, log)
        assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 2
        assert setting in log.read_text()


async def test_without_a_nursery_nothing_starts_and_the_log_is_named(tmp_path):
    nursery = Nursery(os.environ | {"PYTHONHOME": str(tmp_path / "nowhere")}, tmp_path / "nursery.log")
    with pytest.raises(Problem, match=r"the services cannot be loaded; the log says why: .*nursery\.log"):
        starting = nursery.start(["serve", "search"], dict(os.environ), tmp_path / "search.log")
        await asyncio.wait_for(starting, PATIENCE_S)
    assert "nowhere" in (tmp_path / "nursery.log").read_text()
    await nursery.close()


async def test_what_a_command_prints_and_what_it_says_are_kept_apart(nursery, tmp_path):
    out, log = tmp_path / "topics", tmp_path / "log"
    process = await nursery.start(["topics"], dict(os.environ) | {"REKKU_HOME": str(tmp_path)}, log, out)
    assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0
    assert "rekku.service-descriptions" in out.read_text()
    assert log.read_text() == ""


async def test_another_program_runs_with_the_words_and_ends_with_its_own_status(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import sys\nprint(*sys.argv[1:], __name__)\nsys.exit(7)\n")
    nursery = Nursery(os.environ, tmp_path / "nursery.log", str(program))
    process = await nursery.start(["serve", "search"], dict(os.environ), tmp_path / "log")
    assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 7
    assert (tmp_path / "log").read_text() == "serve search __main__\n"
    await nursery.close()


async def test_whoever_is_started_for_nobody_is_ended(nursery, tmp_path, cluster):
    """The launcher's task was cancelled while it waited: the service, which nobody knows of, does not stay."""
    async with cluster.database([SERVICE]) as name:
        environment = dict(os.environ) | serving(cluster.settings("search", name, tmp_path))
        known = await nursery.start(["serve", "search"], environment, tmp_path / "known.log")
        starting = asyncio.create_task(nursery.start(["serve", "search"], environment, tmp_path / "unknown.log"))
        await asyncio.sleep(0)
        starting.cancel()
        # Orders are followed one after the other.
        last = await nursery.start(["serve", "billing"], dict(os.environ), tmp_path / "billing.log")
        assert await asyncio.wait_for(last.wait(), PATIENCE_S) == 2

        async def only_the_known_one():
            return services_of(nursery) == [known.pid]

        await until(only_the_known_one)
        known.terminate()
        assert await asyncio.wait_for(known.wait(), PATIENCE_S) == 0


async def test_a_service_that_cannot_listen_says_so_in_one_line(nursery, tmp_path, cluster):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with cluster.database([SERVICE]) as name:
            environment = serving(cluster.settings("search", name, tmp_path)) | {"REKKU_PORT": str(port)}
            process = await nursery.start(["serve", "search"], dict(os.environ) | environment, tmp_path / "search.log")
            assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 2
    log = (tmp_path / "search.log").read_text()
    assert log.splitlines()[-1].startswith(f"rekku: port {port} of 127.0.0.1 cannot be listened on; ")
    assert "address already in use" in log
    assert "Traceback" not in log


def serving(settings):
    return {
        "REKKU_HOME": str(settings.home),
        "REKKU_PORT": "0",
        "REKKU_DATABASE_URL": settings.database_url.get_secret_value(),
        "REKKU_KEYS_DATABASE_URL": settings.keys_database_url.get_secret_value(),
        "REKKU_FINGERPRINT_SECRET": settings.fingerprint_secret.get_secret_value(),
        "REKKU_JWKS_URL": settings.jwks_url,
    }


def services_of(nursery):
    """Who is the nursery's child, and has not ended."""
    children = psutil.Process(nursery.pid).children()
    return [child.pid for child in children if child.status() != psutil.STATUS_ZOMBIE]


async def test_a_nursery_that_was_killed_is_started_again(nursery, tmp_path):
    first = await nursery.start(["serve", "billing"], dict(os.environ), tmp_path / "billing.log")
    await asyncio.wait_for(first.wait(), PATIENCE_S)
    killed = nursery.pid
    os.kill(killed, signal.SIGKILL)
    second = await nursery.start(["serve", "billing"], dict(os.environ), tmp_path / "billing.log")
    assert await asyncio.wait_for(second.wait(), PATIENCE_S) == 2
    assert nursery.pid != killed
