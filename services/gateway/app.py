"""Wiring of the gateway."""

from pathlib import Path

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from chassis.auth import DevIssuer
from chassis.runtime import Runtime
from chassis.service import Service
from services.gateway.api import router
from services.gateway.browser import put_manners_around
from services.gateway.forms import FIELDS
from services.gateway.rates import Rates
from services.gateway.upstreams import Upstreams
from services.gateway.visitor import Gateway

_ROOT = Path(__file__).parent


def configure(app: FastAPI, runtime: Runtime) -> None:
    """Give the application its upstreams, its static files and its manners towards browsers."""
    settings = runtime.settings
    gateway = Gateway(
        settings=settings,
        db=runtime.database,
        upstreams=Upstreams(settings.upstreams),
        rates=Rates(),
        verifier=runtime.verifier,
        issuer=DevIssuer(settings) if settings.dev_issuer else None,
    )
    app.state.gateway = gateway
    app.mount("/static", StaticFiles(directory=_ROOT / "static"), name="static")
    put_manners_around(app, secure=gateway.secure, development=settings.dev_issuer)


SERVICE = Service(name="gateway", root=_ROOT, router=router, configure=configure, form_fields=FIELDS)
