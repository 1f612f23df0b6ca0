"""A command sent twice with the same Idempotency-Key is applied once and answered alike (E-23).

Only answers of commands that succeeded are kept: a refusal changed nothing, so it is decided anew.
"""

import hashlib
import re
from dataclasses import dataclass

from starlette.responses import Response

from chassis.db import KeptAnswer, Transaction
from contracts.refusals import Invalid

KEY = re.compile(r"[\x21-\x7e]{1,128}")
"""What an Idempotency-Key looks like."""

KEPT_HEADERS = ("content-type", "content-language", "etag", "location", "rekku-known")


@dataclass(frozen=True)
class IdempotentRequest:
    """What identifies one command: who sent it where under which key, and what it said."""

    principal: str
    route: str
    key: str
    said: bytes

    @property
    def request_hash(self) -> bytes:
        """SHA-256 of method, address and body."""
        return hashlib.sha256(self.said).digest()


async def find_answer(tx: Transaction, request: IdempotentRequest) -> Response | None:
    """The stored answer of an earlier try; None claims the key for this transaction.

    A concurrent try with the same key waits here until the first one has ended.

    Raises:
        Invalid: IDEMPOTENCY_KEY_REUSED, the key belongs to another request.
    """
    claimed = await tx.fetchval(
        "INSERT INTO idempotency (principal, route, idempotency_key, request_hash) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT DO NOTHING RETURNING true",
        request.principal,
        request.route,
        request.key,
        request.request_hash,
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
    if stored is None or stored["request_hash"] != request.request_hash:
        raise Invalid("IDEMPOTENCY_KEY_REUSED")
    return Response(stored["body"], stored["status"], headers=stored["headers"])


def keep_answer(tx: Transaction, request: IdempotentRequest, response: Response) -> None:
    """Store the answer in the command's own transaction."""
    tx.answers.append(
        KeptAnswer(
            principal=request.principal,
            route=request.route,
            key=request.key,
            request_hash=request.request_hash,
            status=response.status_code,
            headers={name: response.headers[name] for name in KEPT_HEADERS if name in response.headers},
            body=bytes(response.body),
        )
    )
