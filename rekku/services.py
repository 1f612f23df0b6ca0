"""Which services there are, and how one is loaded: only when it is asked for, because that takes a moment."""

import importlib
import importlib.util
from pathlib import Path

from chassis.service import Service
from contracts import topics
from rekku.problems import Problem

GATEWAY = "gateway"
SERVICES = (*topics.SERVICES, GATEWAY)
"""Every service of the system; the gateway is the one the outside talks to."""


def load(name: str) -> Service:
    """The declaration of a service.

    Raises:
        Problem: there is no such service.
    """
    if name not in SERVICES:
        raise Problem(f"there is no service {name}; there are {', '.join(SERVICES)}")
    declared = importlib.import_module(f"services.{name}.app").SERVICE
    if not isinstance(declared, Service):
        raise TypeError(f"services.{name}.app.SERVICE is not a Service")
    return declared


def migrations_folder(name: str) -> Path:
    """Where a service's migrations are; the service itself is not imported for that."""
    spec = importlib.util.find_spec(f"services.{name}")
    if spec is None or spec.origin is None:
        raise Problem(f"there is no service {name}; there are {', '.join(SERVICES)}")
    return Path(spec.origin).parent / "migrations"
