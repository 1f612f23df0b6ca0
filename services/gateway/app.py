"""Wiring of the gateway."""

import logging
from pathlib import Path

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from chassis.auth import DevIssuer
from chassis.runtime import Runtime
from chassis.service import Service
from chassis.settings import Environment
from services.gateway.api import router
from services.gateway.browser import put_manners_around
from services.gateway.forms import FIELDS
from services.gateway.limited import limit_rates
from services.gateway.rates import Meter
from services.gateway.upstreams import Upstreams
from services.gateway.visitor import Gateway

_log = logging.getLogger(__name__)
_ROOT = Path(__file__).parent


def configure(app: FastAPI, runtime: Runtime) -> None:
    """Give the application its upstreams, its static files, its rates and its manners towards browsers."""
    settings = runtime.settings
    if settings.environment is Environment.PRODUCTION and not settings.trusted_proxies:
        _log.warning("no proxy is trusted (REKKU_TRUSTED_PROXIES): everyone who comes through one is one caller")
    gateway = Gateway(
        settings=settings,
        db=runtime.database,
        upstreams=Upstreams(settings.upstreams),
        meter=Meter(settings.rates),
        verifier=runtime.verifier,
        issuer=DevIssuer(settings) if settings.dev_issuer else None,
    )
    app.state.gateway = gateway
    app.mount("/static", StaticFiles(directory=_ROOT / "static"), name="static")
    limit_rates(app)
    put_manners_around(app, secure=gateway.secure, development=settings.dev_issuer)


SERVICE = Service(
    name="gateway", root=_ROOT, router=router, configure=configure, form_fields=FIELDS, needs=("upstreams",)
)
