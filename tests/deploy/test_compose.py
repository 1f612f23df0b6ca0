"""The compose file: what it insists on, and that every service starts with exactly what it gives."""

import stat

import pytest

from chassis.auth import DevIssuer
from chassis.settings import Settings
from contracts.keys import users_of_keys
from deploy import compose
from rekku.services import GATEWAY, SERVICES
from tests.deploy.running import Composed
from tests.deploy.story import told
from tests.kafka_topics import no_topics

OWN = ("PASSWORD", "FINGERPRINT_SECRET")
SECRETS = {name: f"{number:048x}" for number, name in enumerate(compose.wanted_secrets(), start=1)}


def test_it_holds_every_service_and_what_they_stand_on():
    document = compose.load(SECRETS)
    assert set(document["services"]) == {*SERVICES, "postgres", "kafka", "provision", "migrate", "topics"}
    assert document["services"]["postgres"]["image"].startswith("postgres:18")
    assert document["services"]["kafka"]["image"].startswith("apache/kafka:4.")
    assert document["services"]["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


@pytest.mark.parametrize("name", SECRETS)
def test_without_a_secret_nothing_starts(name):
    with pytest.raises(compose.Unset, match=name):
        compose.load(SECRETS | {name: ""})


def test_no_secret_stands_in_the_file():
    """Two sets of secrets make two documents that share no password."""
    others = {name: value[::-1] for name, value in SECRETS.items()}
    assert set(SECRETS) == {
        *("POSTGRES_PASSWORD", "REKKU_SECRET", "REKKU_OWNER_PASSWORD"),
        *(f"REKKU_{service.upper()}_{what}" for service in SERVICES for what in OWN),
        *(f"REKKU_KEYS_{service.upper()}_PASSWORD" for service in users_of_keys()),
    }
    for name in SERVICES:
        one, other = (compose.load(given)["services"][name]["environment"] for given in (SECRETS, others))
        assert one["REKKU_DATABASE_URL"] != other["REKKU_DATABASE_URL"]
        assert one["REKKU_FINGERPRINT_SECRET"] != other["REKKU_FINGERPRINT_SECRET"]


def test_a_service_knows_its_own_password_only():
    document = compose.load(SECRETS)
    for name in SERVICES:
        told = " ".join(document["services"][name]["environment"].values())
        own = {f"REKKU_{name.upper()}_{what}" for what in OWN}
        own |= {f"REKKU_KEYS_{name.upper()}_PASSWORD"} & SECRETS.keys()
        own |= {"REKKU_SECRET"} if name == "notifications" else set()
        assert {secret for secret in SECRETS if SECRETS[secret] in told} == own


def test_nothing_is_reachable_from_other_machines():
    services = compose.load(SECRETS)["services"].values()
    ports = [port for one in services for port in one.get("ports", [])]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_secrets_are_written_once_and_for_the_owner_alone(tmp_path):
    path = tmp_path / ".env"
    assert compose.write_secrets(path) == list(SECRETS)
    first = path.read_text()
    assert compose.write_secrets(path) == []
    assert path.read_text() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    values = [line.partition("=")[2] for line in first.splitlines()]
    assert len(set(values)) == len(SECRETS)
    assert min(map(len, values)) >= 32


def test_a_secret_that_is_there_stays_and_only_missing_ones_are_added(tmp_path):
    path = tmp_path / ".env"
    path.write_text("REKKU_PORT=9000\nREKKU_SECRET=chosen-by-the-operator")
    assert "REKKU_SECRET" not in compose.write_secrets(path)
    lines = dict(line.split("=", 1) for line in path.read_text().splitlines())
    assert (lines["REKKU_PORT"], lines["REKKU_SECRET"]) == ("9000", "chosen-by-the-operator")
    assert set(lines) == {"REKKU_PORT", *SECRETS}


@pytest.fixture
async def bare_kafka(kafka):
    """The run's Kafka without topics, and nobody in the consumer groups."""
    await no_topics(kafka.servers)
    return kafka


async def test_every_service_starts_with_what_the_file_gives_it_and_events_travel(
    nursery, somewhere, bare_kafka, tmp_path
):
    """Roles, schemas and topics by its three jobs, on a bare PostgreSQL and a bare Kafka; then a story through all."""
    places = {"postgres:5432": f"127.0.0.1:{somewhere.port}", "kafka:9092": bare_kafka.servers}
    composed = Composed(nursery, compose.load(SECRETS | {"POSTGRES_PASSWORD": somewhere.password}), tmp_path, places)
    try:
        assert sorted(await composed.up()) == sorted(SERVICES)
        issuer = DevIssuer(Settings(home=composed.home(GATEWAY), dev_issuer=True))
        await told(composed, issuer, somewhere.url(database="rekku"))
        assert [name for name in SERVICES if composed.home(name).exists()] == ["notifications", GATEWAY]
    finally:
        await composed.down()
