"""Settings of one process, from `REKKU_…` environment variables."""

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from chassis.clock import ClockKind
from chassis.files import Unusable
from chassis.fitness import SHORTEST_PASSWORD, SHORTEST_SECRET, is_https, is_private, password_in, weakness
from chassis.limits import ConnectionLimits, Rates, SessionLimits
from chassis.peers import Network, read_network
from contracts.topics import TOPICS

_MOST_PORT = 65535
_SHORTEST_SECRET = 32
"""In production, in characters."""


class Environment(StrEnum):
    """Where the process runs."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class BusKind(StrEnum):
    """Which message bus carries the events."""

    EMBEDDED = "embedded"
    KAFKA = "kafka"


class KafkaSecurity(StrEnum):
    """How a client and Apache Kafka know each other."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_SSL = "SASL_SSL"


def _named(folder: object) -> object:
    if isinstance(folder, str) and not folder.strip():
        raise ValueError("it is empty, and would be the folder one happens to stand in; name one, or leave it out")
    return folder


def _leads_to_postgresql(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    if text and not _is_address(text):
        # Without the address: a password may stand in it.
        raise ValueError("it is not an address like postgresql://role:password@host:port/database")
    return url


def _is_address(text: str) -> bool:
    """Whether the driver can read its parts: it may name several hosts, or a socket's folder."""
    try:
        parts = urlsplit(text)
        ports = parse_qs(parts.query).get("port", [])
    except ValueError:
        return False
    # Up to the first @, as the driver reads it: in a password it stands as %40.
    before, at, after = parts.netloc.partition("@")
    hosts = after if at else before
    return parts.scheme in {"postgres", "postgresql"} and _are_hosts(hosts) and all(map(_is_port, ports))


def _lead_to_kafka(servers: str) -> str:
    if servers and not _are_hosts(servers):
        raise ValueError("it is not like host:port,host:port")
    return servers


def _are_hosts(text: str) -> bool:
    """Hosts with or without a port, and commas between them."""
    found = [re.fullmatch(r"(?:\[[^]]*\]|[^:@\[\]]*)(?::([0-9]+))?", host) for host in text.split(",")]
    return all(one is not None and (one[1] is None or _is_port(one[1])) for one in found)


def _is_port(text: str) -> bool:
    return re.fullmatch("[0-9]{1,5}", text) is not None and int(text) <= _MOST_PORT


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


DatabaseUrl = Annotated[SecretStr, AfterValidator(_leads_to_postgresql)]
OptionalFile = Annotated[Path | None, BeforeValidator(_none_if_empty)]
"""A file, or none where the variable is empty or not there."""


class Settings(BaseSettings):
    """What a process can be told; docs/settings.md is made of the words below.

    In production a value that is only good for one machine is refused, whatever command reads it. What a service
    needs besides is seen to by `chassis.service.Service.require`.
    """

    model_config = SettingsConfigDict(env_prefix="REKKU_", frozen=True, extra="ignore", use_attribute_docstrings=True)

    judged: ClassVar[bool] = True
    """Whether what production refuses is refused while the settings are read."""

    environment: Environment = Environment.DEVELOPMENT
    """`production` refuses what is only good for one machine, and everything unencrypted."""
    home: Annotated[Path, BeforeValidator(_named)] = Path(".rekku")
    """The folder of what one machine keeps; see [home.md](home.md)."""
    host: str = "127.0.0.1"
    """The address it listens on; the image sets `0.0.0.0`."""
    port: Annotated[int, Field(ge=0, le=_MOST_PORT)] = 8080
    """The port it listens on; 0 for any that is free."""
    tls_cert_file: OptionalFile = None
    """The certificate it serves TLS with, its chain behind it (PEM); read anew when it changes."""
    tls_key_file: OptionalFile = None
    """The certificate's private key (PEM, not encrypted); read anew when it changes."""
    instance: str = "1"
    """Tells the processes of a service apart: leases, members of consumer groups, telemetry."""
    database_url: DatabaseUrl = SecretStr("")
    """The service's database and application role, as `postgresql://role:password@host/database`."""
    owner_database_url: DatabaseUrl = SecretStr("")
    """The same for the role that migrates; of the migration job alone."""
    keys_database_url: DatabaseUrl = SecretStr("")
    """The same for the store of the clients' keys."""
    pool_size: Annotated[int, Field(gt=0)] = 10
    """Connections to PostgreSQL of one process."""
    lease_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 3.0
    """Seconds for which a consumer of the embedded bus holds a partition."""
    bus: BusKind = BusKind.EMBEDDED
    """The message bus: `kafka`, or `embedded` on one machine."""
    kafka_servers: Annotated[str, AfterValidator(_lead_to_kafka)] = ""
    """Apache Kafka's brokers to begin with, as `host:port,host:port`."""
    kafka_security: KafkaSecurity = KafkaSecurity.PLAINTEXT
    """How a client and Apache Kafka know each other: `SASL_SSL` (SCRAM-SHA-512), `SSL` or `PLAINTEXT`."""
    kafka_username: str = ""
    """The Kafka user, with `SASL_SSL`."""
    kafka_password: SecretStr = SecretStr("")
    """The Kafka user's password."""
    kafka_ca_file: OptionalFile = None
    """The authorities that Kafka's certificates are verified with (PEM); otherwise those of the machine."""
    outside_sources: dict[str, frozenset[str]] = {
        "rekku.quota-signals": frozenset({"/kela/funds-follow-up", "/kela/budget-followup"})
    }
    """The values of `ce_source` that are believed, by topic (JSON); a topic that is not named has none."""
    clock: ClockKind = ClockKind.REAL
    """`simulated` for the demo and tests."""
    jwks_url: str = ""
    """The token issuer's public keys (JWKS)."""
    issuer: str = "https://rekku.invalid/dev-issuer"
    """The token issuer: what `iss` has to be."""
    audience: str = "rekku"
    """What a token's `aud` has to name."""
    dev_issuer: bool = False
    """Whether the gateway signs anybody in, in any role; of one machine alone."""
    secret: SecretStr = SecretStr("")
    """Notifications' alone: survey links follow from it, and half of the keys under which answers wait; for ever."""
    fingerprint_secret: SecretStr = SecretStr("")
    """Each service's own, the same in its processes: requests under an Idempotency-Key, and names in log lines."""
    answers_kept_days: Annotated[float, Field(gt=0, le=3650, allow_inf_nan=False)] = 7.0
    """Days for which the answers of commands are kept under their Idempotency-Key."""
    upstreams: dict[str, str] = {}
    """The services behind the gateway: address by name (JSON)."""
    upstream_ca_file: OptionalFile = None
    """The authorities that the services' certificates are verified with (PEM); read anew when it changes."""
    public_url: str = "http://127.0.0.1:8080"
    """The address under which people reach the gateway; survey links begin with it."""
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = ()
    """Networks of the proxies in front whose word on callers is taken, as `10.0.0.0/8, 2001:db8::/32`."""
    rates: Rates = Rates()
    """Requests a minute of one caller (JSON); see the [gateway](../services/gateway/README.md#rates)."""
    connections: ConnectionLimits = ConnectionLimits()
    """What one connection and one peer may take (JSON); see [deployment.md](deployment.md#in-front-of-it)."""
    sessions: SessionLimits = SessionLimits()
    """How long a sign-in lasts (JSON); see the [gateway](../services/gateway/README.md#how-long-a-sign-in-lasts)."""
    otlp_endpoint: str = ""
    """Where traces and metrics are sent (OTLP over HTTP, without `/v1/…`); nowhere without it."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    """From which level on lines are logged."""
    failpoints: Path | None = None
    """A folder of orders by which tests end the process at a chosen step."""

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        """Networks as `10.0.0.0/8, 2001:db8::/32`."""
        return (
            tuple(read_network(part) for part in value.split(",") if part.strip()) if isinstance(value, str) else value
        )

    @model_validator(mode="after")
    def _kafka_has_an_address(self) -> Self:
        if self.bus is BusKind.KAFKA and not self.kafka_servers:
            raise ValueError("the bus kafka needs REKKU_KAFKA_SERVERS, as host:port,host:port")
        return self

    @model_validator(mode="after")
    def _sources_are_of_topics_that_others_write(self) -> Self:
        wrong = sorted(name for name in self.outside_sources if name not in TOPICS or not TOPICS[name].from_outside)
        if wrong:
            raise ValueError(f"REKKU_OUTSIDE_SOURCES names what is no topic of other systems: {', '.join(wrong)}")
        return self

    @model_validator(mode="after")
    def _a_certificate_has_its_key(self) -> Self:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("TLS needs both REKKU_TLS_CERT_FILE and REKKU_TLS_KEY_FILE")
        return self

    @model_validator(mode="after")
    def _production_is_strict(self) -> Self:
        unfit = self.unfit() if self.judged else []
        if unfit:
            raise ValueError("production does not start: " + "; ".join(unfit))
        return self

    def unfit(self) -> list[str]:
        """The values that production refuses: a line for each, with the variable and what to do; empty elsewhere.

        What is not set at all is not judged here: what has to be set differs by service.
        """
        if self.environment is not Environment.PRODUCTION:
            return []
        return [*self._of_one_machine(), *self._unencrypted(), *self._unprotected(), *self._guessable()]

    def lacks(self, name: str) -> bool:
        """Whether a setting is what it is where nobody has set it."""
        return getattr(self, name) == type(self).model_fields[name].get_default() or not getattr(self, name)

    def _of_one_machine(self) -> Iterator[str]:
        for name, present in (
            ("dev_issuer", self.dev_issuer),
            ("clock", self.clock is not ClockKind.REAL),
            ("failpoints", self.failpoints is not None),
        ):
            if present:
                yield f"{variable(name)} is of one machine and its tests; leave it out"

    def _unencrypted(self) -> Iterator[str]:
        for name in ("jwks_url", "issuer", "public_url", "otlp_endpoint"):
            if not self.lacks(name) and not is_https(getattr(self, name)):
                yield f"{variable(name)} is not an https address; give one"
        plain = sorted(name for name, url in self.upstreams.items() if not is_https(url))
        if plain:
            yield f"{variable('upstreams')} has no https address for {', '.join(plain)}; give one"
        if self.bus is BusKind.KAFKA and self.kafka_security is KafkaSecurity.PLAINTEXT:
            yield f"{variable('kafka_security')} sends everything unencrypted; set SASL_SSL"

    def _unprotected(self) -> Iterator[str]:
        for name in type(self).model_fields:
            if name.endswith("database_url") and (found := unprotected(getattr(self, name))):
                yield f"{variable(name)} {found}"

    def _guessable(self) -> Iterator[str]:
        for name in type(self).model_fields:
            value = getattr(self, name)
            if not isinstance(value, SecretStr) or not value.get_secret_value():
                continue
            shortest = SHORTEST_SECRET if name.endswith("secret") else SHORTEST_PASSWORD
            url = name.endswith("database_url")
            text = password_in(value.get_secret_value()) if url else value.get_secret_value()
            if (text or not url) and (found := weakness(text, shortest)):
                yield f"{variable(name)} {'holds a password that ' if url else ''}{found}; draw one at random"


class ServedSettings(Settings):
    """The settings as a service reads them, which sees to them together with what it needs, all at once."""

    judged = False


class Unfit(Unusable):
    """A service does not start with these settings; `problems` has a line for each, never with its value."""

    def __init__(self, service: str, problems: list[str]) -> None:
        super().__init__(f"{service} does not start: {'; '.join(problems)}")
        self.service = service
        self.problems = problems


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"REKKU_{name.upper()}"


def meaning_of(name: str) -> str:
    """What a setting is for, in the words of its declaration."""
    return Settings.model_fields[name].description or ""


def unprotected(url: SecretStr) -> str | None:
    """What is wrong, for production, with the way to a PostgreSQL; None for a good one, and for none at all."""
    text = url.get_secret_value()
    if not text or is_private(text):
        return None
    return "reaches PostgreSQL unverified; add ?sslmode=verify-full&sslrootcert=FILE, or name a socket's folder"
