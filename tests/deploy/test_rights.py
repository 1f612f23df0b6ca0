"""The Kubernetes manifests on real servers: production settings, TLS, SCRAM, and no rights but the generated ones."""

import asyncio
import json
import ssl

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError

from chassis.auth import DevIssuer
from chassis.bus.kafka_topics import apply_topics
from chassis.kafka.jars import KafkaUnavailable
from chassis.key_store import keys_role_of
from chassis.settings import BusKind, Settings
from contracts.keys import users_of_keys
from deploy import check
from rekku.services import SERVICES
from tests.authority import Authority
from tests.conftest import leave_out
from tests.deploy.running import Deployed
from tests.deploy.secured import SecuredKafka
from tests.deploy.story import told
from tests.deploy.test_provisioning import PASSWORDS, migrate, provision

RESOURCES = check.resources(check.built())
ISSUER = "https://identity.example"


def of_kind(kind):
    return {one["metadata"]["name"]: one for one in RESOURCES if one["kind"] == kind}


USERS = of_kind("KafkaUser")
KAFKA_PASSWORDS = {name: f"the SCRAM password of {name}" for name in USERS}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
async def secured(tmp_path_factory, authority):
    """A broker with the topics as declared, and exactly the users of the manifests."""
    kafka = SecuredKafka(tmp_path_factory.mktemp("secured"), authority)
    try:
        await kafka.start()
    except KafkaUnavailable as error:
        leave_out(str(error))
    await apply_topics(Settings(bus=BusKind.KAFKA, kafka_servers=kafka.servers))
    await kafka.admit(USERS.values(), KAFKA_PASSWORDS)
    yield kafka
    await kafka.stop()


@pytest.fixture
async def issuer(tmp_path, authority):
    """An issuer of tokens whose keys are had over https, and where."""
    issuer = DevIssuer(Settings(home=tmp_path / "issuer", dev_issuer=True, issuer=ISSUER))
    body = json.dumps(issuer.jwks()).encode()

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority.certificate_file, authority.key_file)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield issuer, f"https://127.0.0.1:{port}/jwks.json"


def given_secrets(somewhere):
    """The wheel's PostgreSQL has no TLS: production reaches it by its socket alone."""
    database = {name: somewhere.socket(f"rekku_{name}", PASSWORDS[f"rekku_{name}"], "rekku") for name in SERVICES}
    return {
        ("rekku-secret", "secret"): "a secret of the tests, long enough for production",
        **{
            (f"rekku-{name}-fingerprints", "secret"): f"fingerprints of {name}, long enough for production"
            for name in SERVICES
        },
        **{
            (f"rekku-{name}-keys", "url"): somewhere.socket(role, PASSWORDS[role], "rekku_keys")
            for name in users_of_keys()
            for role in [keys_role_of(name)]
        },
        **{(f"rekku-{name}-database", "url"): url for name, url in database.items()},
        **{(name, "password"): password for name, password in KAFKA_PASSWORDS.items()},
    }


async def test_every_deployment_starts_in_production_and_events_travel_with_the_generated_rights(
    rekku, nursery, somewhere, secured, authority, issuer, tmp_path
):
    await provision(rekku, somewhere.url())
    await migrate(rekku, somewhere)
    minting, keys = issuer
    places = {
        "rekku-kafka-bootstrap:9093": secured.secured,
        "/etc/rekku/kafka/ca.crt": str(authority.ca_file),
        f"{ISSUER}/jwks.json": keys,
        # All pods are this machine here, and show the certificate of its address.
        "/etc/rekku/tls/tls.crt": str(authority.certificate_file),
        "/etc/rekku/tls/tls.key": str(authority.key_file),
        "/etc/rekku/services/ca.crt": str(authority.ca_file),
    }
    trusted = {"SSL_CERT_FILE": str(authority.ca_file)}
    secrets = given_secrets(somewhere)
    pods, maps = of_kind("Deployment"), of_kind("ConfigMap")
    deployed = Deployed(nursery, pods, maps, secrets, tmp_path, places, trusted, authority)
    try:
        await deployed.up()
        await told(deployed, minting, somewhere.url(database="rekku"))
    finally:
        await deployed.down()


def client_options(secured, authority, user):
    return {
        "bootstrap_servers": secured.secured,
        "security_protocol": "SASL_SSL",
        "ssl_context": ssl.create_default_context(cafile=str(authority.ca_file)),
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": user,
        "sasl_plain_password": KAFKA_PASSWORDS[user],
    }


async def written(options, topic):
    producer = AIOKafkaProducer(**options)
    await producer.start()
    try:
        await producer.send_and_wait(topic, b"{}")
    finally:
        await producer.stop()


async def read(options, topic, group):
    consumer = AIOKafkaConsumer(topic, **options, group_id=group, auto_offset_reset="earliest")
    try:
        await consumer.start()
        await consumer.getone()
    finally:
        await consumer.stop()


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        ("rekku-courses", "rekku.decisions"),
        ("rekku-decisions", "rekku.quota-signals"),
        ("rekku-search", "rekku.registrations"),
        ("rekku-external", "rekku.decisions"),
        ("rekku-subscriber-template", "rekku.courses"),
    ],
)
async def test_nobody_writes_a_topic_of_somebody_else(secured, authority, user, topic):
    with pytest.raises(TopicAuthorizationFailedError):
        await written(client_options(secured, authority, user), topic)


@pytest.mark.parametrize(
    ("user", "topic", "group", "refusal"),
    [
        ("rekku-search", "rekku.client-contacts", "rekku.search", TopicAuthorizationFailedError),
        ("rekku-external", "rekku.quota-signals", "anything", GroupAuthorizationFailedError),
        (
            "rekku-subscriber-template",
            "rekku.client-contacts",
            "rekku-subscriber-template.x",
            TopicAuthorizationFailedError,
        ),
        ("rekku-subscriber-template", "rekku.registrations", "rekku.search", GroupAuthorizationFailedError),
    ],
)
async def test_nobody_reads_what_is_not_for_them(secured, authority, user, topic, group, refusal):
    with pytest.raises(refusal):
        await read(client_options(secured, authority, user), topic, group)


async def test_outsiders_write_signals_and_subscribers_read_in_groups_of_their_own(secured, authority):
    await written(client_options(secured, authority, "rekku-external"), "rekku.quota-signals")
    await written(client_options(secured, authority, "rekku-registration"), "rekku.registrations")
    options = client_options(secured, authority, "rekku-subscriber-template")
    await read(options, "rekku.registrations", "rekku-subscriber-template.copies")
