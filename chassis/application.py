"""The HTTP application of a service, with its OpenAPI document."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from chassis.examining import examine
from chassis.http import operations, release
from chassis.layers import layers
from chassis.openapi import complete
from chassis.problems import ProblemWriter, problems
from contracts.refusals import Refusal

if TYPE_CHECKING:
    from chassis.runtime import Runtime
    from chassis.service import Service


def create_app(runtime: "Runtime") -> FastAPI:
    """The HTTP application of a service, with everything every service has."""
    service = runtime.service
    writer = ProblemWriter(runtime.texts, lambda: app.declared_names)
    app = _Application(
        title=f"Rekku {service.name}",
        version=release(),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=runtime.lifespan,
        middleware=layers(runtime, writer),
        # FastAPI's own spans and logs would carry query strings and failing input; ours never do (E-49, E-59).
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.runtime = runtime
    app.add_exception_handler(Refusal, writer.on_refusal)
    app.add_exception_handler(RequestValidationError, writer.on_invalid)
    app.add_exception_handler(HTTPException, writer.on_http)
    app.add_exception_handler(Exception, writer.on_failure)
    app.router.routes.extend(_routes_of(service))
    app.state.problems = writer
    if service.configure is not None:
        service.configure(app, runtime)
    return app


def _routes_of(service: "Service") -> list[BaseRoute]:
    """The routes of all applications of a service: what FastAPI makes of them takes longer than the rest of one."""
    if service not in _routers:
        service.audited.require_named()
        router = _routers[service] = APIRouter(responses=problems(), dependencies=[Depends(examine)])
        router.include_router(operations)
        router.include_router(service.router)
    return _routers[service].routes


_routers: WeakKeyDictionary["Service", APIRouter] = WeakKeyDictionary()


class _Application(FastAPI):
    """Makes its OpenAPI document when first asked for it: that takes longer than the rest of a start."""

    def openapi(self) -> dict[str, Any]:
        """The document, completed; one for all applications of a service."""
        service = self.state.runtime.service
        if service not in _documents:
            _documents[service] = super().openapi()
            complete(_documents[service], service.examples)
        return _documents[service]

    @cached_property
    def declared_names(self) -> frozenset[str]:
        """The names of fields and parameters."""
        return _declared_names(self.openapi())


_documents: WeakKeyDictionary["Service", dict[str, Any]] = WeakKeyDictionary()


def _declared_names(document: Mapping[str, Any]) -> frozenset[str]:
    names: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, Mapping):
            properties = node.get("properties")
            if isinstance(properties, Mapping):
                names.update(properties)
            if "in" in node and isinstance(node.get("name"), str):
                names.add(node["name"])
            for inner in node.values():
                walk(inner)
        elif isinstance(node, list):
            for inner in node:
                walk(inner)

    walk(document)
    return frozenset(names)
