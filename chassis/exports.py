"""Lists as files to take home: bounded in size, in the reader's language."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from starlette.responses import Response

from chassis.http import Caller
from chassis.tables import MEDIA_TYPES, Cell, TableFormat, download_headers, write_table
from chassis.texts import Texts
from contracts.refusals import Refusal

MOST_ROWS = 20_000
"""A file is made whole in memory; whoever has more asks for a part at a time, such as a year or a service."""


def file_of(kind: TableFormat) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers with a file of the format."""
    return {200: {"description": "The file", "content": {MEDIA_TYPES[kind]: {}}}}


def require_exportable(found: Sequence[object]) -> None:
    """Refuses with EXPORT_TOO_LARGE what is more than MOST_ROWS: read one row more to know."""
    if len(found) > MOST_ROWS:
        raise Refusal("EXPORT_TOO_LARGE", allowed_rows=MOST_ROWS)


@dataclass(frozen=True)
class Export:
    """A file somebody asked for; `language` (fi, sv or en) is that of Accept-Language."""

    kind: TableFormat
    language: str
    texts: Texts

    @classmethod
    def asked(cls, caller: Caller, kind: TableFormat) -> Self:
        """The file in the language of the request."""
        return cls(kind, caller.language, caller.runtime.texts)

    def say(self, message_id: str) -> str:
        """A text in the reader's language."""
        return self.texts.text(self.language, message_id)

    async def response(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
        """The file `name`: its columns are headed by the texts `column-<column>`, its sheet by `<name>-title`.

        To be called after the transaction that found the rows: a connection is not kept while a file is written.
        """
        header = [self.say(f"column-{column}") for column in columns]
        # Thousands of rows take a while to write, and other requests go on meanwhile.
        content = await asyncio.to_thread(write_table, self.kind, self.say(f"{name}-title"), header, rows)
        return Response(content, 200, {**download_headers(self.kind, name), "content-language": self.language})
