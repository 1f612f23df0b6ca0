"""Wiring of the gateway."""

import logging
from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from chassis.auth import DevIssuer
from chassis.certificates import Authorities
from chassis.layers import LastResort
from chassis.problems import ProblemWriter
from chassis.runtime import Runtime
from chassis.service import Service
from chassis.settings import Environment, Settings, variable
from services.gateway import kept_forms, sign_in
from services.gateway.api import router
from services.gateway.browser import BrowserManners
from services.gateway.forms import FIELDS, StaleForm
from services.gateway.limited import RateLimits
from services.gateway.pruning import prune_sessions
from services.gateway.rates import Meter
from services.gateway.upstreams import Upstreams
from services.gateway.visitor import Gateway, SignInNeeded, is_secure

_log = logging.getLogger(__name__)
_ROOT = Path(__file__).parent


def configure(app: FastAPI, runtime: Runtime) -> None:
    """Give the application its upstreams, its rates and its static files."""
    settings = runtime.settings
    if settings.environment is Environment.PRODUCTION and not settings.trusted_proxies:
        _log.warning("no proxy is trusted (REKKU_TRUSTED_PROXIES): everyone who comes through one is one caller")
    gateway = Gateway(
        settings=settings,
        db=runtime.database,
        upstreams=Upstreams(settings.upstreams, trust=_authorities(settings)),
        meter=Meter(settings.rates),
        verifier=runtime.verifier,
        issuer=DevIssuer(settings) if settings.dev_issuer else None,
    )
    app.state.gateway = gateway
    app.add_exception_handler(SignInNeeded, sign_in.on_sign_in_needed)
    app.add_exception_handler(StaleForm, kept_forms.on_stale_form)
    app.mount("/static", StaticFiles(directory=_ROOT / "static"), name="static")


def _authorities(settings: Settings) -> Authorities | None:
    file = settings.upstream_ca_file
    return None if file is None else Authorities(file, variable("upstream_ca_file"))


def layers(runtime: Runtime, problems: ProblemWriter) -> Sequence[Middleware]:
    """The gateway's own layers, from the outside inwards; `chassis.layers` says what is around them."""
    settings = runtime.settings
    return (
        Middleware(BrowserManners, secure=is_secure(settings), development=settings.dev_issuer),
        Middleware(LastResort, problems=problems),
        Middleware(RateLimits),
    )


SERVICE = Service(
    name="gateway",
    root=_ROOT,
    router=router,
    configure=configure,
    layers=layers,
    form_fields=FIELDS,
    needs=("upstreams",),
    workers=(prune_sessions,),
)
