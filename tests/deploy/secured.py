"""A Kafka as Strimzi makes it: clients come in by TLS and SCRAM-SHA-512, and do what their access rules allow."""

import asyncio
import datetime
import ipaddress

from confluent_kafka import admin
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chassis.kafka.cluster import KafkaCluster
from rekku.up import free_ports

_ALLOWED = admin.AclPermissionType.ALLOW
_ITERATIONS = 4096


class Authority:
    """A certificate authority of its own, and one certificate for the loopback address."""

    def __init__(self, folder):
        self.ca_file, self.certificate_file, self.key_file = (
            folder / name for name in ("ca.crt", "crt.pem", "key.pem")
        )
        ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        ca = self._certificate("rekku tests", ca_key, "rekku tests", ca_key, ca=True)
        own = self._certificate("127.0.0.1", key, "rekku tests", ca_key, ca=False)
        self.ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        self.certificate_file.write_bytes(own.public_bytes(serialization.Encoding.PEM))
        self.key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self.keystore_file = folder / "keystore.pem"
        self.keystore_file.write_bytes(self.key_file.read_bytes() + self.certificate_file.read_bytes())

    def _certificate(self, subject, key, issuer, issuer_key, *, ca):
        now = datetime.datetime.now(datetime.UTC)
        subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in (subject, issuer))
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        return builder.sign(issuer_key, hashes.SHA256())


class SecuredKafka(KafkaCluster):
    """One broker; whoever comes by its plain listener is its administrator."""

    def __init__(self, home, authority):
        super().__init__(home)
        self._authority = authority
        self._port = free_ports(1)[0]

    @property
    def secured(self):
        return f"127.0.0.1:{self._port}"

    def _properties(self, number, ports):
        given = super()._properties(number, ports)
        return given | {
            "listeners": f"{given['listeners']},SECURED://{self.secured}",
            "advertised.listeners": f"{given['advertised.listeners']},SECURED://{self.secured}",
            "listener.security.protocol.map": f"{given['listener.security.protocol.map']},SECURED:SASL_SSL",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.secured.scram-sha-512.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._authority.keystore_file),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }

    async def admit(self, users, passwords):
        """Make the users of these `KafkaUser` resources, with their rules and no others."""
        client = admin.AdminClient({"bootstrap.servers": self.servers})
        mechanism = admin.ScramCredentialInfo(admin.ScramMechanism.SCRAM_SHA_512, _ITERATIONS)
        upserts = [
            admin.UserScramCredentialUpsertion(name, mechanism, password.encode())
            for name, password in passwords.items()
        ]
        pending = [*client.alter_user_scram_credentials(upserts).values()]
        rules = [rule for user in users for rule in _rules(user)]
        pending += client.create_acls(rules).values()
        await asyncio.gather(*(asyncio.to_thread(one.result, 20) for one in pending))


def _rules(user):
    for rule in user["spec"]["authorization"]["acls"]:
        resource = rule["resource"]
        for operation in rule["operations"]:
            yield admin.AclBinding(
                admin.ResourceType[resource["type"].upper()],
                resource["name"],
                {"literal": admin.ResourcePatternType.LITERAL, "prefix": admin.ResourcePatternType.PREFIXED}[
                    resource["patternType"]
                ],
                f"User:{user['metadata']['name']}",
                "*",
                admin.AclOperation[operation.upper()],
                _ALLOWED,
            )
