"""A Kafka as Strimzi makes it: clients come in by TLS and SCRAM-SHA-512, and do what their access rules allow."""

import asyncio

from confluent_kafka import admin

from chassis.kafka.cluster import KafkaCluster
from rekku.up import free_ports

_ALLOWED = admin.AclPermissionType.ALLOW
_ITERATIONS = 4096


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
