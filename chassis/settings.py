"""Settings of one process, from `REKKU_…` environment variables."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from chassis.clock import ClockKind
from chassis.limits import ConnectionLimits, Rates
from chassis.peers import Network, read_network


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


class Settings(BaseSettings):
    """Everything a service process can be told.

    Production refuses what only makes sense on a developer's machine: the development token
    issuer, a simulated clock, keys read from a file, and a missing or default secret.
    """

    model_config = SettingsConfigDict(env_prefix="REKKU_", frozen=True, extra="ignore")

    environment: Environment = Environment.DEVELOPMENT
    home: Path = Path(".rekku")
    host: str = "127.0.0.1"
    port: int = 8080
    instance: str = "1"
    database_url: SecretStr = SecretStr("")
    owner_database_url: SecretStr = SecretStr("")
    keys_database_url: SecretStr = SecretStr("")
    pool_size: int = 10
    lease_s: float = 3.0
    bus: BusKind = BusKind.EMBEDDED
    kafka_servers: str = ""
    kafka_security: KafkaSecurity = KafkaSecurity.PLAINTEXT
    kafka_username: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_ca_file: Path | None = None
    clock: ClockKind = ClockKind.REAL
    jwks_url: str = ""
    issuer: str = "https://rekku.invalid/dev-issuer"
    audience: str = "rekku"
    dev_issuer: bool = False
    secret: SecretStr = SecretStr("")
    upstreams: dict[str, str] = {}
    public_url: str = "http://127.0.0.1:8080"
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = ()
    rates: Rates = Rates()
    connections: ConnectionLimits = ConnectionLimits()
    otlp_endpoint: str = ""
    log_level: str = "INFO"
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
                ("no secret (REKKU_SECRET, at least 32 characters)", len(self.secret.get_secret_value()) < 32),
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
