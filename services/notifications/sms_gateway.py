"""Where an SMS leaves this system: one narrow interface, and a gateway that writes files for one machine."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from chassis.files import FileUnusable, create_whole
from services.notifications.domain import masked
from services.notifications.sms_text import size_of

SENDER = "Kela"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sms:
    """An SMS on its way; `written_on` is the Helsinki date its message was written, the same at every try."""

    message_id: str
    phone: str
    text: str
    written_on: date


class GatewayDown(Exception):
    """The gateway cannot take the SMS for the moment; it may or may not have left."""


class SmsRefused(Exception):
    """The gateway will never take this SMS; `args[0]` is a short code, never the number."""


class SmsGateway(Protocol):
    """Takes SMS. Our message id is its reference: handing the same one over again sends nothing twice."""

    async def send(self, sms: Sms) -> None:
        """Return once the SMS is taken, or was taken before.

        Raises:
            GatewayDown: try again later.
            SmsRefused: do not try again.
        """

    async def remove(self, message_id: str, written_on: date) -> None:
        """Remove what the gateway keeps of an SMS; where it keeps nothing, nothing happens.

        Raises:
            GatewayDown: try again later.
        """


class FileGateway:
    """Writes each SMS to `<folder>/<date>/<message id>.txt`, for development, the demo and tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, sms: Sms) -> None:
        """Write the file whole and only once, and say so on the console."""
        try:
            new = await asyncio.to_thread(self._write, sms)
        except (OSError, FileUnusable) as error:
            raise GatewayDown(type(error).__name__) from error
        if new:
            _log.info("SMS %s to %s (%s segments)", sms.message_id, masked(sms.phone), size_of(sms.text).segments)

    async def remove(self, message_id: str, written_on: date) -> None:
        """Remove the file."""
        try:
            await asyncio.to_thread(self._file(message_id, written_on).unlink, missing_ok=True)
        except OSError as error:
            raise GatewayDown(type(error).__name__) from error

    def _file(self, message_id: str, written_on: date) -> Path:
        return self._folder / written_on.isoformat() / f"{message_id}.txt"

    def _write(self, sms: Sms) -> bool:
        final = self._file(sms.message_id, sms.written_on)
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.exists():
            return False
        return create_whole(final, f"From: {SENDER}\nTo: {sms.phone}\nMessage-Id: {sms.message_id}\n\n{sms.text}\n")
