"""A command sent twice with the same Idempotency-Key is applied once and answered alike (E-23, record 0010).

Only answers of commands that succeeded are kept: a refusal changed nothing, so it is decided anew.
"""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from chassis.auth import Principal
from chassis.db import KeptAnswer, Transaction, unused_before
from chassis.request_body import BODY, Body, BodyKind
from contracts.refusals import Invalid, Refusal

KEY = re.compile(r"[\x21-\x7e]{1,128}")
"""What an Idempotency-Key looks like."""

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))

MARK_BYTES = 4
"""How much of a fingerprint says by which secret it was made."""

KEPT_HEADERS = ("content-type", "content-language", "etag", "location", "rekku-known")


@dataclass(frozen=True)
class IdempotentRequest:
    """What identifies one command: who sent it where under which key, and what it said.

    `principal` is whose answers these are; rows written before that had all its parts have the `subject` alone.
    `request_hash` is the fingerprint of what was said.
    """

    principal: str
    subject: str
    route: str
    key: str
    request_hash: bytes


def owner_of(principal: Principal) -> str:
    """Whose kept answers are whose: one subject acting for another provider, or in another role, is another owner."""
    return json.dumps([principal.issuer, principal.subject, principal.provider_id, principal.role])


def what_was_said(request: Request) -> bytes:
    """Method, address and body of a request, as the guard read it: the same for requests that mean the same."""
    scope = request.scope
    body: Body = scope[BODY]
    query: bytes = scope["query_string"]
    address = f"{scope['method']} {scope['path']}?".encode() + query + b"\n"
    return address + (canonical_json(body.value) if body.kind is BodyKind.JSON else body.content)


def fingerprint(request: Request, secret: str) -> bytes:
    """What is kept of a request: the mark of the secret (MARK_BYTES), then 32 bytes of HMAC-SHA-256 under it.

    A phone number or a birth date has so few values that a hash without a key would give it away.
    """
    key = secret.encode()
    mark = hmac.digest(key, b"rekku mark", hashlib.sha256)[:MARK_BYTES]
    return mark + hmac.digest(key, b"rekku fingerprint\0" + what_was_said(request), hashlib.sha256)


def canonical_json(value: Any) -> bytes:
    """One form for all JSON texts with the same content, after RFC 8785: ordered names, no space, `1.0` as `1`."""
    return _CANONICAL.encode(_with_plain_numbers(value)).encode()


def _with_plain_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_plain_numbers(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_plain_numbers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


async def find_answer(tx: Transaction, request: IdempotentRequest) -> Response | None:
    """The stored answer of an earlier try; None claims the key for this transaction.

    A concurrent try with the same key waits here until the first one has ended.

    Raises:
        Invalid: IDEMPOTENCY_KEY_REUSED, the key belongs to another request.
        Refusal: IDEMPOTENCY_KEY_SPENT, a command was done under this key, and nobody can say any more whether it was
            this one: its fingerprint was made with another secret, or with none and so was removed.
    """
    claimed = await tx.fetchval(
        "INSERT INTO idempotency (principal, route, idempotency_key, request_hash)"
        f" SELECT $1, $2, $3, $4::bytea WHERE {unused_before('$5', '$2', '$3')}"
        " ON CONFLICT DO NOTHING RETURNING true",
        request.principal,
        request.route,
        request.key,
        request.request_hash,
        request.subject,
    )
    if claimed:
        return None
    stored = await tx.fetchrow(
        "SELECT request_hash, status, headers, body FROM idempotency"
        " WHERE principal = $1 AND route = $2 AND idempotency_key = $3",
        request.principal,
        request.route,
        request.key,
    )
    # None: the key is in a row of before.
    if stored is None:
        raise Invalid("IDEMPOTENCY_KEY_REUSED")
    if stored["request_hash"] != request.request_hash:
        if stored["request_hash"][:MARK_BYTES] != request.request_hash[:MARK_BYTES]:
            raise Refusal("IDEMPOTENCY_KEY_SPENT")
        raise Invalid("IDEMPOTENCY_KEY_REUSED")
    return Response(stored["body"], stored["status"], headers=stored["headers"])


def keep_answer(tx: Transaction, request: IdempotentRequest, response: Response) -> None:
    """Store the answer in the command's own transaction."""
    tx.answers.append(
        KeptAnswer(
            principal=request.principal,
            subject=request.subject,
            route=request.route,
            key=request.key,
            request_hash=request.request_hash,
            status=response.status_code,
            headers={name: response.headers[name] for name in KEPT_HEADERS if name in response.headers},
            body=bytes(response.body),
        )
    )
