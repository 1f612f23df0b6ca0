"""Settings of one process, from `REKKU_…` environment variables."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from chassis.clock import ClockKind
from chassis.limits import ConnectionLimits, Rates
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
    hosts = parts.netloc.rpartition("@")[2]
    return parts.scheme in {"postgres", "postgresql"} and _are_hosts(hosts) and all(map(_is_port, ports))


def _lead_to_kafka(servers: str) -> str:
    if servers and not _are_hosts(servers):
        raise ValueError("it is not like host:port,host:port")
    return servers


def _are_hosts(text: str) -> bool:
    """Hosts with or without a port, and commas between them."""
    found = [re.fullmatch(r"(?:\[[^]]*\]|[^:\[\]]*)(?::([0-9]+))?", host) for host in text.split(",")]
    return all(one is not None and (one[1] is None or _is_port(one[1])) for one in found)


def _is_port(text: str) -> bool:
    return re.fullmatch("[0-9]{1,5}", text) is not None and int(text) <= _MOST_PORT


DatabaseUrl = Annotated[SecretStr, AfterValidator(_leads_to_postgresql)]


class Settings(BaseSettings):
    """Everything a service process can be told.

    `outside_sources` are the values of `ce_source` that are believed, by topic; a topic that is not named has none.
    `secret` is what survey links are derived from, and notifications' alone. `fingerprint_secret` is each service's
    own: with it the requests under an Idempotency-Key are fingerprinted, whose answers are kept `answers_kept_days`.

    Production refuses what only makes sense on a developer's machine: the development token
    issuer, a simulated clock, keys read from a file, and a missing or default secret.
    """

    model_config = SettingsConfigDict(env_prefix="REKKU_", frozen=True, extra="ignore")

    environment: Environment = Environment.DEVELOPMENT
    home: Annotated[Path, BeforeValidator(_named)] = Path(".rekku")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=_MOST_PORT)] = 8080
    instance: str = "1"
    database_url: DatabaseUrl = SecretStr("")
    owner_database_url: DatabaseUrl = SecretStr("")
    keys_database_url: DatabaseUrl = SecretStr("")
    pool_size: Annotated[int, Field(gt=0)] = 10
    lease_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 3.0
    bus: BusKind = BusKind.EMBEDDED
    kafka_servers: Annotated[str, AfterValidator(_lead_to_kafka)] = ""
    kafka_security: KafkaSecurity = KafkaSecurity.PLAINTEXT
    kafka_username: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_ca_file: Path | None = None
    outside_sources: dict[str, frozenset[str]] = {
        "rekku.quota-signals": frozenset({"/kela/funds-follow-up", "/kela/budget-followup"})
    }
    clock: ClockKind = ClockKind.REAL
    jwks_url: str = ""
    issuer: str = "https://rekku.invalid/dev-issuer"
    audience: str = "rekku"
    dev_issuer: bool = False
    secret: SecretStr = SecretStr("")
    fingerprint_secret: SecretStr = SecretStr("")
    answers_kept_days: Annotated[float, Field(gt=0, le=3650, allow_inf_nan=False)] = 7.0
    upstreams: dict[str, str] = {}
    public_url: str = "http://127.0.0.1:8080"
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = ()
    rates: Rates = Rates()
    connections: ConnectionLimits = ConnectionLimits()
    otlp_endpoint: str = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    failpoints: Path | None = None

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
    def _production_is_strict(self) -> Self:
        if self.environment is not Environment.PRODUCTION:
            return self
        wrong = [
            problem
            for problem, present in (
                ("the development issuer (REKKU_DEV_ISSUER)", self.dev_issuer),
                ("a simulated clock (REKKU_CLOCK)", self.clock is not ClockKind.REAL),
                ("failpoints (REKKU_FAILPOINTS)", self.failpoints is not None),
                ("token keys from a file (REKKU_JWKS_URL must be https)", not self.jwks_url.startswith("https://")),
                (
                    "no secret for fingerprints (REKKU_FINGERPRINT_SECRET, at least 32 characters)",
                    len(self.fingerprint_secret.get_secret_value()) < _SHORTEST_SECRET,
                ),
                (
                    "Kafka without encryption (REKKU_KAFKA_SECURITY)",
                    self.bus is BusKind.KAFKA and self.kafka_security is KafkaSecurity.PLAINTEXT,
                ),
                ("plain http to the public (REKKU_PUBLIC_URL)", not self.public_url.startswith("https://")),
            )
            if present
        ]
        if wrong:
            raise ValueError("production does not start with " + "; ".join(wrong))
        return self
