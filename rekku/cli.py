"""The command `rekku`."""

import ctypes
import os
import re
import signal
import sys
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from cyclopts import App, Parameter, validators

from chassis.files import NO_ROOM
from chassis.issuer_keys import is_file, keys_in
from chassis.settings import BusKind, ServedSettings, Settings
from rekku.home import Home
from rekku.problems import Problem, problem_of
from rekku.terminal import run, run_until_signalled

_PARENT_DIES = 1
"""PR_SET_PDEATHSIG of prctl(2)."""

app = App(
    name="rekku",
    help="Kela's registration procedure for rehabilitation courses.",
    version_flags=["--version"],
    exit_on_error=False,
    print_error=False,
)
events_app = App(name="events", help="Follow the events on the bus.")
dead_letters_app = App(name="dead-letters", help="Records that a service could not apply.")
outbox_app = App(name="outbox", help="Events on their way to the bus.")
topics_app = App(name="topics", help="The topics: what is promised about each, and how it is kept on Apache Kafka.")
clients_app = App(name="clients", help="What is kept of clients.")
projections_app = App(name="projections", help="What a service keeps of others' events, and can keep anew.")
for inner in (clients_app, events_app, dead_letters_app, outbox_app, projections_app, topics_app):
    app.command(inner)


def main() -> None:
    """Run a command; every problem is one line on stderr, or one for each thing to do, and an exit status."""
    try:
        status = app(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        _forget_output()
        sys.exit(0)
    except Exception as error:
        problem = problem_of(error)
        if problem is None:
            raise
        for line in problem.lines:
            print(f"rekku: {line}", file=sys.stderr)
        if isinstance(error, OSError) and error.filename is None and error.errno in NO_ROOM:
            _forget_output()
        sys.exit(problem.status)
    sys.exit(status if isinstance(status, int) else 0)


def _forget_output() -> None:
    """What nobody can take any more is not written again at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _home() -> Home:
    return Home(Settings().home)


@app.command
def serve(service: str, /) -> None:
    """Run one service in this process, as the REKKU_ environment variables say.

    Parameters
    ----------
    service
        Its name: registration, courses, decisions, notifications, search or gateway.
    """
    from chassis.runtime import serve as run_service
    from rekku.services import load

    _end_with_launcher()
    settings = ServedSettings()
    if is_file(settings.jwks_url):
        # Without the issuer's keys it would answer nobody.
        keys_in(settings.jwks_url)
    run(run_service(load(service), settings))


def _end_with_launcher() -> None:
    """Started by `rekku up`, a service ends with it, also when it is killed: nobody else would stop it."""
    launcher = os.environ.get("REKKU_LAUNCHER")
    if launcher is None or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PARENT_DIES, signal.SIGTERM)
    if str(os.getppid()) != launcher:
        raise Problem("the launcher of this service is gone")


@app.command
def up(
    *,
    bus: BusKind = BusKind.EMBEDDED,
    brokers: Annotated[int, Parameter(show=False, validator=validators.Number(gte=1))] = 1,
    simulated_clock: Annotated[datetime | None, Parameter(show=False)] = None,
    instances: Annotated[list[str] | None, Parameter(show=False)] = None,
) -> None:
    """Run the whole system on this machine: PostgreSQL, the bus, every service, the gateway.

    Parameters
    ----------
    bus
        embedded needs nothing more; kafka starts an Apache Kafka, which needs Java 17 and, once, Maven.
    brokers
        How many brokers of Apache Kafka.
    simulated_clock
        Start of a clock that only moves when it is told to.
    instances
        How many processes of a service, as `courses=2`.
    """
    from rekku.up import Launch
    from rekku.up import up as run_up

    settings = Settings()
    start = simulated_clock.replace(tzinfo=simulated_clock.tzinfo or UTC) if simulated_clock else None
    wanted = _counts(instances) if instances else {}
    run_until_signalled(run_up(Launch(Home(settings.home), settings.port, start, wanted, bus=bus, brokers=brokers)))


def _counts(instances: list[str]) -> dict[str, int]:
    from rekku.services import SERVICES

    counts = {}
    for wanted in instances:
        given = re.fullmatch("([a-z]+)=([1-9][0-9]?)", wanted)
        if given is None:
            raise Problem(f"--instances takes SERVICE=NUMBER, from 1 to 99, not {wanted}")
        if given[1] not in SERVICES:
            raise Problem(f"there is no service {given[1]}; there are {', '.join(SERVICES)}")
        counts[given[1]] = int(given[2])
    return counts


@app.command
def demo(*, keep: bool = False, seed: Annotated[int, Parameter(show=False)] = 2021) -> int:
    """Play the heart courses' real years through every service, and compare with the source.

    Parameters
    ----------
    keep
        Leave the system running at the end, to look around in.
    """
    from rekku.demo.run import run_demo

    status = run_until_signalled(run_demo(Settings().home, seed=seed, keep=keep))
    return 130 if status is None else status


@app.command
def migrate() -> None:
    """Bring every service's schema up to date, in this home's database or in the given one.

    The given one is that of REKKU_OWNER_DATABASE_URL, whose role may act as the owner of every schema.
    """
    from rekku.operations import migrate_here

    run_until_signalled(migrate_here(_home()))


@app.command
def provision() -> None:
    """Make the roles, databases and schemas in a PostgreSQL that is not this home's; may be repeated.

    REKKU_ADMIN_URL leads to it as an administrator, REKKU_ROLE_PASSWORDS is a JSON object of
    passwords by role: of each service's rekku_SERVICE, of rekku_owner, and of rekku_keys_SERVICE for
    courses, decisions and notifications.
    """
    from rekku.provisioning import provision_there

    run_until_signalled(provision_there())


@topics_app.default
def topics() -> None:
    """Every topic: owner, partitions, retention, consumers; with live counts where there is a bus to look at."""
    from rekku.operations import show_topics

    run(show_topics(_home()))


@topics_app.command(name="apply")
def apply_topics(
    *,
    check: bool = False,
    replication: Annotated[int | None, Parameter(validator=validators.Number(gte=1))] = None,
) -> int:
    """Make the topics that Apache Kafka does not have, and set again what differs from the declarations.

    Another number of partitions or copies is reported and never changed. It is the Kafka of the system
    that runs here, or of the REKKU_ variables. Exit status 1 where something differs and stays so.

    Parameters
    ----------
    check
        Change nothing; any difference is status 1.
    replication
        Copies of each partition; otherwise three, or one on a single broker.
    """
    from rekku.topics import apply_declared

    return run(apply_declared(_home(), replication=replication, check=check))


@clients_app.command(name="erase")
def erase_client(client_ref: str, /) -> None:
    """Erase what is known of a client, for good: keys, contact data, eligibility, SMS; again it changes nothing.

    It is done in the system that runs here; with REKKU_DATABASE_URL and REKKU_KEYS_DATABASE_URL in those of
    the decisions service.

    Parameters
    ----------
    client_ref
        Kela's own reference of the client.
    """
    from rekku.clients import erase

    run_until_signalled(erase(_home(), client_ref))


@events_app.command(name="tail")
def tail(
    topic: str,
    /,
    *,
    from_beginning: bool = False,
    key: str | None = None,
    limit: Annotated[int | None, Parameter(show=False)] = None,
) -> None:
    """Follow a topic: one line per event, until Ctrl-C.

    Parameters
    ----------
    from_beginning
        Show what is already there first.
    key
        Only the events of one aggregate.
    limit
        End after so many events.
    """
    from rekku.operations import follow

    run_until_signalled(follow(_home(), topic, from_beginning=from_beginning, key=key, limit=limit))


@dead_letters_app.command(name="list")
def list_dead_letters(*, all_states: Annotated[bool, Parameter(name="--all")] = False) -> None:
    """Open dead letters of every service.

    Parameters
    ----------
    all_states
        Also those that were replayed or discarded.
    """
    from rekku.letters import list_letters

    run(list_letters(_home(), everything=all_states))


@dead_letters_app.command(name="show")
def show_dead_letter(letter_id: UUID, /) -> None:
    """One dead letter: where it came from, why it failed, and the record as it came."""
    from rekku.letters import show_letter

    run(show_letter(_home(), letter_id))


@dead_letters_app.command(name="replay")
def replay_dead_letter(letter_id: UUID, /) -> None:
    """Apply a dead letter again, then what waited behind it; all of it, or nothing."""
    from rekku.letters import replay_letter

    run(replay_letter(_home(), letter_id))


@dead_letters_app.command(name="discard")
def discard_dead_letter(letter_id: UUID, /) -> None:
    """Give a dead letter up, and apply what waited behind it."""
    from rekku.letters import discard_letter

    run(discard_letter(_home(), letter_id))


@outbox_app.command(name="status")
def outbox_status() -> None:
    """What each service has written and the bus does not have yet, and how far each one has read."""
    from rekku.operations import show_outboxes

    run(show_outboxes(_home()))


@outbox_app.command(name="show")
def show_outbox() -> None:
    """What waits for the bus: rows by topic, and keys whose rows are set aside because the bus does not take one."""
    from rekku.outbox import show_waiting

    run(show_waiting(_home()))


@outbox_app.command(name="retry")
def retry_outbox(*, topic: str | None = None, key: str | None = None) -> None:
    """Publish what is set aside: all rows of a key at once, in the order they were written.

    Parameters
    ----------
    topic
        Of this topic only.
    key
        Of this key only, as `rekku outbox show` writes it.
    """
    from rekku.outbox import retry

    run(retry(_home(), topic, key))


@projections_app.command(name="rebuild")
def rebuild(*services: str, accept: bool = False) -> int:
    """Build projections anew from their topics, beside the live ones and under load, and compare.

    Exit status 1 where one differs; then the live one stays, unless the new one is accepted.

    Parameters
    ----------
    services
        Whose; without a name, of every service that has one.
    accept
        Put the new rows in the place of those that differ.
    """
    from rekku.projections import rebuild_projections

    status = run_until_signalled(rebuild_projections(_home(), services, accept=accept))
    return 130 if status is None else status


@app.command
def reconcile(*, repair: bool = False) -> int:
    """Compare every counter of decisions with the decisions themselves, now; a pin may be behind for five minutes.

    Exit status 1 where something differs and stays so.

    Parameters
    ----------
    repair
        Set right what differs, with a line in the audit for each.
    """
    from rekku.reconciling import reconcile as run_reconcile

    status = run_until_signalled(run_reconcile(_home(), repair=repair))
    return 130 if status is None else status


@app.command
def token(*, role: Literal["provider", "officer", "system"], provider: str | None = None) -> None:
    """A token of the development issuer of this home, valid for eight hours.

    Parameters
    ----------
    role
        provider, officer or system.
    provider
        The provider's business ID (Y-tunnus), with the role provider.
    """
    from rekku.tokens import make_token

    print(make_token(_home().path, role, provider))


@app.command
def rule(rule_id: str, /) -> None:
    """One rule of the procedure: its text and source, how much of it is built, its code and its tests.

    Parameters
    ----------
    rule_id
        Its id, such as E-54, R-CRS-22 or P1.
    """
    from rekku.rules import show_rule

    show_rule(rule_id)
