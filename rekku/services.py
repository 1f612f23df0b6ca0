"""Which services there are, and how one is loaded: only when it is asked for, because that takes a moment."""

import importlib

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
