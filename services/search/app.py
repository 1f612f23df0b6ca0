"""Wiring of the search service."""

from functools import partial
from pathlib import Path

from chassis.service import Service
from services.search import api, projection, store

SERVICE = Service(
    name="search",
    root=Path(__file__).parent,
    router=api.router,
    projected=projection.PROJECTED,
    project=projection.apply,
    projection_tables=store.TABLES,
    superseding=tuple(projection.MERGES.values()),
    known={subject: partial(store.find_version, subject=subject) for subject in store.VERSIONED},
)
