"""The declaration of a service: everything the chassis needs to run it."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from chassis.acts import Act, Acts, Read
from chassis.db import Transaction
from chassis.settings import Environment, Settings, Unfit, meaning_of, variable
from contracts.envelope import Event, EventKind
from contracts.identity_codes import TextKind
from contracts.topics import TOPICS

if TYPE_CHECKING:
    from chassis.problems import ProblemWriter
    from chassis.runtime import Runtime

Reaction = Callable[[Transaction, Any], Awaitable[None]]
"""Handles one event in one transaction; reactions are never replayed."""

Projection = Callable[[Transaction, Sequence[Event]], Awaitable[None]]
"""Merges a batch of one partition into tables of its own, in one transaction: the newer version wins.

Whatever the order and the repeats, the rows end up the same; so they can be rebuilt from the topics.
"""

TimerHandler = Callable[[Transaction, str, Mapping[str, Any]], Awaitable[None]]
"""Handles a due timer `(tx, key, payload)`; its row goes in the same transaction."""

KnownVersion = Callable[[Transaction, str], Awaitable[int | None]]
"""The version of this service's copy of a subject, None while it has none (`Rekku-Known`)."""

Worker = Callable[["Runtime"], Coroutine[Any, Any, None]]
"""A background loop for work outside transactions, such as delivery; ends when cancelled."""

NEEDED_BY_ALL = ("database_url", "jwks_url", "fingerprint_secret")
"""The settings that no service can do without."""

NEEDED_IN_PRODUCTION = ("bus", "issuer", "public_url", "tls_cert_file", "tls_key_file")
"""Those whose defaults are of one machine: in production no service does without its own."""


@dataclass(frozen=True, eq=False)
class Service:
    """One service: what it answers, consumes, plans and keeps.

    Args:
        name: schema, topic owner and URL name.
        root: the package's folder, with `migrations/` and `texts/`.
        reactions: event type to handler, one message per transaction.
        projected, project: the event types of a read model and the function that applies batches.
        projection_tables: what `project` writes and nothing else does, a referenced table before the referring one.
        superseding: groups of projected types; of one aggregate only the newest event of a group matters.
        startup: runs once at the start of every process, idempotent.
        layers: its own layers around the HTTP application, from the outside inwards; `chassis.layers` says where.
        acts, reads: what can be done in it and which personal data it shows officers, for the audit.
        former_acts: what rows of the audit of before say in the place of an act.
        configure: last changes to the HTTP application (static files, pages).
        examples: field name to example, for the fields of answers in the OpenAPI document.
        form_fields: what pages read of forms and addresses, which no signature declares, with its kind (E-59).
        needs: the settings without which it cannot do its work, besides those that no service can do without.
        check: raises ValueError, in one line that names the setting, where one of them cannot be used.
    """

    name: str
    root: Path
    router: APIRouter
    reactions: Mapping[type[Event], Reaction] = field(default_factory=dict)
    projected: tuple[type[Event], ...] = ()
    project: Projection | None = None
    projection_tables: tuple[str, ...] = ()
    superseding: tuple[tuple[type[Event], ...], ...] = ()
    timers: Mapping[str, TimerHandler] = field(default_factory=dict)
    known: Mapping[str, KnownVersion] = field(default_factory=dict)
    startup: Callable[[Transaction], Awaitable[None]] | None = None
    workers: Sequence[Worker] = ()
    layers: Callable[["Runtime", "ProblemWriter"], Sequence[Middleware]] | None = None
    configure: Callable[[FastAPI, "Runtime"], None] | None = None
    examples: Mapping[str, Any] = field(default_factory=dict)
    form_fields: Mapping[str, TextKind] = field(default_factory=dict)
    acts: type[Act] | None = None
    reads: type[Read] | None = None
    former_acts: Mapping[str, Act] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    check: Callable[[Settings], object] | None = None

    def __post_init__(self) -> None:
        if len({bool(self.projected), bool(self.project), bool(self.projection_tables)}) > 1:
            raise TypeError(f"{self.name}: a projection has events, a function and tables, or there is none")
        if any(event.kind is not EventKind.STATE for event in self.projected):
            raise TypeError(f"{self.name} projects facts; those count once and are for reactions")
        if any(TOPICS[event.topic].from_outside for event in self.projected):
            raise TypeError(f"{self.name} projects what other systems write; whom to believe is asked for reactions")
        if not {event for group in self.superseding for event in group} <= set(self.projected):
            raise TypeError(f"{self.name} supersedes events that it does not project")

    def needed(self, environment: Environment) -> list[str]:
        """The names of the settings without which it does not start there."""
        of_production = NEEDED_IN_PRODUCTION if environment is Environment.PRODUCTION else ()
        return list(dict.fromkeys((*NEEDED_BY_ALL, *self.needs, *of_production)))

    def require(self, settings: Settings) -> None:
        """See that the service can do its work with these settings.

        Raises:
            Unfit: some are missing, cannot be used, or are not for production; it names all of them.
        """
        problems = settings.unfit()
        missing = [name for name in self.needed(settings.environment) if settings.lacks(name)]
        problems += [f"{variable(name)} is missing: {meaning_of(name)}" for name in missing]
        if self.check is not None and not set(missing) & set(self.needs):
            try:
                self.check(settings)
            except ValueError as error:
                problems.append(str(error))
        if problems:
            raise Unfit(self.name, problems)

    @cached_property
    def audited(self) -> Acts:
        """What the audit can say was done here."""
        return Acts(self.name, self.router, self.acts, self.reads, self.former_acts)

    @property
    def migrations(self) -> Path:
        """The folder of the service's migrations."""
        return self.root / "migrations"

    @property
    def topics(self) -> frozenset[str]:
        """The topics this service reads."""
        return frozenset(event.topic for event in (*self.reactions, *self.projected))
