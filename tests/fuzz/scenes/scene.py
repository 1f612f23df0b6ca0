"""A service that has something to be asked about, and who asks it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import httpx

from chassis.testing import ServiceUnderTest
from tests.fuzz.fuzzing import Known
from tests.openapi import Document


@dataclass(frozen=True)
class Scene:
    """What is fuzzed: a document, whom it is asked by, and what exists."""

    document: Document
    clients: Sequence[httpx.AsyncClient]
    known: Known

    @classmethod
    def of(cls, service: ServiceUnderTest, known: Known, clients: Sequence[httpx.AsyncClient]) -> Self:
        """The service's own document; anonymous callers ask as well."""
        return cls(service.runtime.app.openapi(), [*clients, service.http(None)], known)
