"""RFC 9457 problem details: coded, translated, and never echoing what was sent."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from opentelemetry import trace
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from chassis import telemetry
from chassis.examining import examine_address
from chassis.texts import Texts, preferred_language, text_id
from contracts.identity_codes import HoldsIdentityCode
from contracts.refusals import Refusal

MEDIA_TYPE = "application/problem+json"

_HTTP_CODES = {401: "UNAUTHENTICATED", 403: "NOT_ALLOWED", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}
_ANY_OTHER = "REFUSED"


class FieldProblem(BaseModel):
    """Where a request is wrong, and how."""

    field: str
    problem: str


class Problem(BaseModel):
    """A problem answer. `code` is stable; `detail` is translated; `values` are the figures that did not fit."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:rekku:problem:count-only-raised",
                    "title": "Count only raised",
                    "status": 409,
                    "code": "COUNT_ONLY_RAISED",
                    "detail": "An announced client count can only be raised: it is 24 now, so 20 is not possible.",
                    "values": {"current": 24, "wanted": 20},
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    code: str
    detail: str
    values: dict[str, Any] = {}
    errors: list[FieldProblem] = []
    trace_id: str | None = None


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: the refusal codes it may answer with."""
    listed = ", ".join(f"`{code}`" for code in sorted(codes))
    return {
        "4XX": {
            "model": Problem,
            "description": f"Refused: {listed}" if listed else "Refused",
            "content": {MEDIA_TYPE: {}},
            "x-refusals": sorted(codes),
        },
        503: {
            "model": Problem,
            "description": "Try again: `ISSUER_UNREACHABLE`, `NOT_YET_KNOWN`, `UNAVAILABLE`",
            "content": {MEDIA_TYPE: {}},
        },
    }


class ProblemWriter:
    """Turns refusals and failures of one service into problem answers."""

    def __init__(self, texts: Texts, declared: Callable[[], frozenset[str]]) -> None:
        """`declared` knows the names of fields; other names in a request are input and are not echoed."""
        self._texts = texts
        self._declared = declared

    def answer(
        self,
        accept_language: str | None,
        status: int,
        code: str,
        values: Mapping[str, Any] | None = None,
        errors: Sequence[FieldProblem] = (),
        retry_after_s: int = Refusal.retry_after_s,
    ) -> JSONResponse:
        """The problem answer for `code`; one of status 503 says to try again after `retry_after_s`."""
        language = preferred_language(accept_language)
        text = self._texts.text(language, text_id(code), values)
        span = trace.get_current_span().get_span_context()
        body = Problem(
            type=f"urn:rekku:problem:{text_id(code)}",
            title=code.replace("_", " ").capitalize(),
            status=status,
            code=code,
            detail=text,
            values=dict(values or {}),
            errors=list(errors),
            trace_id=trace.format_trace_id(span.trace_id) if span.is_valid else None,
        )
        telemetry.refusals.add(1, {"code": code})
        headers = {"Content-Language": language}
        if status == 503:
            headers["Retry-After"] = str(retry_after_s)
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(
            body.model_dump(mode="json", exclude_defaults=True), status, headers=headers, media_type=MEDIA_TYPE
        )

    def refused(self, accept_language: str | None, refusal: Refusal) -> JSONResponse:
        """The problem answer for a refusal, with its figures."""
        values = {name: _plain(value) for name, value in refusal.values.items()}
        return self.answer(accept_language, refusal.status, refusal.code, values, retry_after_s=refusal.retry_after_s)

    async def on_refusal(self, request: Request, error: Exception) -> JSONResponse:
        """A rule said no."""
        if not isinstance(error, Refusal):
            raise error
        request.state.refused = error.code
        return self.refused(request.headers.get("accept-language"), error)

    async def on_invalid(self, request: Request, error: Exception) -> JSONResponse:
        """The request does not have the declared shape; where a kind of value alone is wrong, its code says how."""
        if not isinstance(error, RequestValidationError):
            raise error
        found = error.errors()
        errors = [
            FieldProblem(field=self._field(each["loc"], each["type"]), problem=str(each["type"])) for each in found
        ]
        [code, *others] = {each.problem for each in errors}
        values = found[0].get("ctx")
        if others or not code.isupper():
            code, values = "VALIDATION", None
        return self.answer(request.headers.get("accept-language"), 422, code, values, errors)

    async def on_http(self, request: Request, error: Exception) -> JSONResponse:
        """No such route, or a method it does not take."""
        if not isinstance(error, HTTPException):
            raise error
        language = request.headers.get("accept-language")
        try:
            examine_address(request.scope["path"], request.scope["query_string"].decode("latin-1"))
        except HoldsIdentityCode as refusal:
            return self.refused(language, refusal)
        code = _HTTP_CODES.get(error.status_code, _ANY_OTHER)
        response = self.answer(language, error.status_code, code)
        if error.status_code == 405:
            allowed = set((error.headers or {}).get("Allow", "").split(", "))
            response.headers["Allow"] = ", ".join(sorted(allowed | {"HEAD"} if "GET" in allowed else allowed))
        return response

    async def on_failure(self, request: Request, _: Exception) -> JSONResponse:
        """Something failed where nothing else answers."""
        return self.answer(request.headers.get("accept-language"), 500, "INTERNAL")

    def _field(self, location: Sequence[str | int], kind: str) -> str:
        declared = self._declared()
        shown = [str(part) if isinstance(part, int) or part in declared else "?" for part in location[1:]]
        if kind == "json_invalid":
            shown = []
        return ".".join([str(location[0]), *shown])


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    return str(value)
