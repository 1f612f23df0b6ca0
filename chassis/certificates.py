"""Certificates in files, read anew as soon as the files change: what a server shows, and whom a client trusts.

Nothing watches the files: they are compared at each new connection, which costs a fiftieth of its handshake. While
they cannot be used, half written or of two pairs, what was read before goes on, one line says so, and a gauge is 1.
"""

import hashlib
import logging
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from cryptography import x509

from chassis import telemetry
from chassis.files import Unusable
from chassis.settings import Settings

_log = logging.getLogger(__name__)
_PROBLEMS = (OSError, ValueError, x509.InvalidVersion)
"""What reading or using a file raises; `ssl.SSLError` is an OSError."""


class _Kept:
    """A context made of files, and made anew when they change.

    Args:
        what: the files in a word, for the log and the gauges.
        files: by the variable that names each.
        make: reads the files; raises one of `_PROBLEMS` where they cannot be used.

    Raises:
        Unusable: they cannot be used at the start.
    """

    def __init__(self, what: str, files: Mapping[str, Path], make: Callable[[], ssl.SSLContext]) -> None:
        self._what = what
        self._files = files
        self._make = make
        self._seen = self._look()
        try:
            self._context = make()
        except _PROBLEMS as error:
            names = " and ".join(f"{name} ({path})" for name, path in files.items())
            raise Unusable(f"{names} cannot be used: {_reason(error)}") from error

    def current(self) -> ssl.SSLContext:
        """The context of the files as they are, or were when they could last be used."""
        seen = self._look()
        if seen != self._seen:
            # First: a file that changes while it is read is another one next time.
            self._seen = seen
            try:
                self._context = self._make()
            except _PROBLEMS as error:
                telemetry.tls_unusable.set(1, {"what": self._what})
                _log.error("the %s cannot be read anew, those of before go on: %s", self._what, _reason(error))
            else:
                telemetry.tls_unusable.set(0, {"what": self._what})
                _log.info("the %s have been read anew", self._what)
        return self._context

    def _look(self) -> list[bytes]:
        return [_digest(path) for path in self._files.values()]


class Certificate:
    """The certificate that a server shows, with its key.

    Raises:
        Unusable: the files are missing, broken, of two pairs, or the key is encrypted.
    """

    def __init__(self, cert_file: Path, key_file: Path) -> None:
        files = {"REKKU_TLS_CERT_FILE": cert_file, "REKKU_TLS_KEY_FILE": key_file}
        self._kept = _Kept("server's certificates", files, lambda: _shown(cert_file, key_file))
        self.context = _server_context(cert_file, key_file)
        """What connections are accepted with; each is then answered with the certificate of its moment."""
        self.context.sni_callback = self._choose

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """That of these settings; None where there is none, and connections are plain."""
        if settings.tls_cert_file is None or settings.tls_key_file is None:
            return None
        return cls(settings.tls_cert_file, settings.tls_key_file)

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: ssl.SSLContext) -> None:
        """Called for every handshake, also where the client names no server."""
        connection.context = self._kept.current()


class Authorities(ssl.SSLContext):
    """A client's context that trusts the authorities in a file, those of the moment for each new connection.

    Raises:
        Unusable: the file is missing, or holds no certificate.
    """

    _kept: _Kept

    def __new__(cls, file: Path, name: str) -> Self:
        """Of the file that the variable `name` names."""
        made = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        made._kept = _Kept("authorities", {name: file}, lambda: _client_context(file))
        return made

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """A new connection's TLS, as of `ssl.SSLContext`."""
        return self._kept.current().wrap_bio(*args, **kwargs)


def _shown(cert_file: Path, key_file: Path) -> ssl.SSLContext:
    context = _server_context(cert_file, key_file)
    ends = x509.load_pem_x509_certificate(cert_file.read_bytes()).not_valid_after_utc
    telemetry.tls_valid_until.set(ends.timestamp())
    return context


def _server_context(cert_file: Path, key_file: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    # Without a password of ours an encrypted key would be asked for at the terminal.
    context.load_cert_chain(cert_file, key_file, password="")
    return context


def _client_context(file: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _digest(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        return str(error.errno).encode()


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
