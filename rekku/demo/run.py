"""The demo from beginning to end: a system of its own, the play, the questions, the comparison."""

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from chassis.calendar import start_of_day
from chassis.embedded import SUPERUSER
from chassis.files import write_whole
from rekku.demo.api import Api, Refused
from rekku.demo.comparison import checks, exit_status
from rekku.demo.measure import look, measured
from rekku.demo.page import page
from rekku.demo.plan import QUOTA_DAY, REGISTRATION_DAY, Plan, make_plan
from rekku.demo.play import Player
from rekku.demo.report import show
from rekku.demo.surveys import Clients, SurveyMissing
from rekku.home import Home
from rekku.problems import Problem
from rekku.up import Launch, System, system


async def run_demo(home: Path, *, seed: int, keep: bool) -> int:
    """Play, compare, report; 0 where every figure agrees, else 1.

    Raises:
        Problem: the system could not start, or a step of the plan was refused.
    """
    console = Console()
    demo_home = fresh_home(home)
    launch = Launch(demo_home, 0, simulated_clock=start_of_day(REGISTRATION_DAY))
    plan = make_plan(seed)
    started = time.monotonic()
    async with system(launch) as running:
        console.print(f"Playing {len(plan.steps)} steps in {demo_home.path}; logs are in {demo_home.logs}")
        status = await _play_and_compare(console, running, plan, seed, started)
        if keep:
            console.print(f"The system stays at {running.run.url} until Ctrl-C.")
            await asyncio.Event().wait()
    return status


def fresh_home(home: Path) -> Home:
    """`demo` under the home, emptied: a demo always begins with nothing. Elsewhere where PostgreSQL cannot reach it.

    Raises:
        Problem: another demo is running.
    """
    own = Home(home / "demo")
    try:
        own.prepare()
    except Problem:
        folder = Path(tempfile.mkdtemp(prefix="rekku-demo-"))
        folder.chmod(0o755)
        return Home(folder)
    with own.locked():
        for left in own.path.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
            elif left.name != "lock":
                left.unlink()
    return own


async def _play_and_compare(console: Console, running: System, plan: Plan, seed: int, started: float) -> int:
    async with Api(running.run, running.settings) as api:
        clients = Clients(api, plan, running.settings.home / "sms", seed)
        clock = await asyncpg.connect(running.cluster.url(SUPERUSER))
        try:
            player = Player(api, clock, plan)
            with _progress(console, player, plan) as on_month:
                await _play(player, clients, on_month)
        except* (Refused, SurveyMissing) as failed:
            raise Problem(f"the play stopped on {player.today}: {_first(failed)}", status=1) from failed
        finally:
            await clock.close()
        seen = await look(api)
        figures = measured(seen, player.played, clients.phones)
        compared = checks(figures, plan, clients.answered)
        took = f"{time.monotonic() - started:.0f} s"
        show(console, figures, plan, compared)
        report = running.settings.home / "report.html"
        write_whole(report, page(figures, compared, took))
        console.print(f"{api.requests} requests in {took}; the report is {report}")
        return exit_status(compared)


async def _play(player: Player, clients: Clients, on_month: Callable[[date], None]) -> None:
    async def month_over(day: date) -> None:
        clients.answer_until(day)
        on_month(day)

    player.on_month = month_over
    async with asyncio.TaskGroup() as group:
        group.create_task(clients.run(QUOTA_DAY))
        group.create_task(player.play())


def _first(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = failed
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@contextmanager
def _progress(console: Console, player: Player, plan: Plan) -> Iterator[Callable[[date], None]]:
    """A bar at a terminal, a line per month elsewhere."""
    if not sys.stdout.isatty():
        done = 0

        def count() -> None:
            nonlocal done
            done += 1

        player.on_step = count
        yield lambda day: console.print(f"{day:%Y-%m}: {done} of {len(plan.steps)} steps")
        return
    columns = (TextColumn("{task.description}"), BarColumn(None), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("2021-10", total=len(plan.steps))
        player.on_step = lambda: progress.update(task, advance=1, description=f"{player.today:%Y-%m}")
        yield lambda _day: None
