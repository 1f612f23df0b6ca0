"""Lists that are asked for again and again: an ETag of the content, and 304 while it is the same."""

import hashlib
from typing import Any

from pydantic import BaseModel

from chassis.http import Answer, Caller
from chassis.preconditions import is_unchanged

UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged since the ETag in If-None-Match"}}
"""The `responses` of a route that answers so."""


def unless_known(caller: Caller, body: BaseModel) -> Answer:
    """The answer with an ETag of its content; empty (304) where If-None-Match names it already."""
    content = body.model_dump_json().encode()
    tag = hashlib.sha256(content).hexdigest()[:32]
    if is_unchanged(caller.request.headers, tag):
        return Answer(304, b"", headers={"ETag": f'"{tag}"'})
    return Answer(200, content, headers={"ETag": f'"{tag}"', "content-type": "application/json"})
