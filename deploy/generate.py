"""Write the Strimzi topics and users of deploy/kubernetes from contracts/topics.py, or check that they are current.

python -m deploy.generate            writes them
python -m deploy.generate --check    ends with status 1 where a file is not what it would write
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from chassis.bus.kafka_topics import settings_of
from contracts.topics import EXTERNAL, SERVICES, TOPICS, Topic, read_by, written_by

KUBERNETES = Path(__file__).parent / "kubernetes"
CLUSTER = "rekku"
"""The name of the `Kafka` resource; its users and topics carry it as a label."""

BROKERS = 3

_API = "kafka.strimzi.io/v1"
_HEAD = "# Written by `make manifests` from contracts/topics.py; changes belong there.\n"

Resource = dict[str, Any]


def topic_resource(topic: Topic) -> Resource:
    """A topic with its promises; partitions are fixed for ever, which Strimzi cannot know."""
    return _resource(
        "KafkaTopic",
        topic.name,
        {"partitions": topic.partitions, "replicas": BROKERS, "config": settings_of(topic, BROKERS)},
    )


def service_user(service: str) -> Resource:
    """A service writes the topics it owns, reads those it consumes, and nothing else."""
    return _user(
        f"rekku-{service}",
        [
            *(_rule("topic", topic.name, "Describe", "Write") for topic in written_by(service)),
            *(_rule("topic", topic.name, "Describe", "Read") for topic in read_by(service)),
            _rule("group", f"rekku.{service}", "Read"),
        ],
    )


def external_writer() -> Resource:
    """Kela's systems that follow the money write the inbound topics; they read nothing back."""
    return _user("rekku-external", [_rule("topic", topic.name, "Describe", "Write") for topic in written_by(EXTERNAL)])


def subscriber() -> Resource:
    """A template for another team: reads every topic that is open to subscribers, in groups of its own."""
    name = "rekku-subscriber-template"
    return _user(
        name,
        [
            *(_rule("topic", topic.name, "Describe", "Read") for topic in TOPICS.values() if topic.for_subscribers),
            _rule("group", f"{name}.", "Read", pattern="prefix"),
        ],
    )


def _user(name: str, rules: list[Resource]) -> Resource:
    return _resource(
        "KafkaUser",
        name,
        {"authentication": {"type": "scram-sha-512"}, "authorization": {"type": "simple", "acls": rules}},
    )


def _rule(kind: str, name: str, *operations: str, pattern: str = "literal") -> Resource:
    return {
        "type": "allow",
        "resource": {"type": kind, "name": name, "patternType": pattern},
        "operations": list(operations),
    }


def _resource(kind: str, name: str, spec: Resource) -> Resource:
    labels = {"strimzi.io/cluster": CLUSTER}
    return {"apiVersion": _API, "kind": kind, "metadata": {"name": name, "labels": labels}, "spec": spec}


def files() -> dict[Path, str]:
    """What each generated file should hold."""
    return {
        Path("base/kafka/topics.yaml"): _text(topic_resource(topic) for topic in TOPICS.values()),
        Path("base/kafka/users.yaml"): _text([*(service_user(name) for name in SERVICES), external_writer()]),
        Path("subscriber/user.yaml"): _text([subscriber()]),
    }


def _text(resources: Iterable[Resource]) -> str:
    return _HEAD + "---\n".join(yaml.safe_dump(resource, sort_keys=False) for resource in resources)


def stale(folder: Path = KUBERNETES) -> Iterator[Path]:
    """The files in `folder` that are missing or not what would be written."""
    for path, text in files().items():
        if not (folder / path).exists() or (folder / path).read_text() != text:
            yield path


def main(arguments: list[str]) -> int:
    """Write or check; the exit status."""
    if arguments == ["--check"]:
        old = list(stale())
        for path in old:
            print(f"not current: deploy/kubernetes/{path} (make manifests)", file=sys.stderr)
        return 1 if old else 0
    for path, text in files().items():
        (KUBERNETES / path).parent.mkdir(parents=True, exist_ok=True)
        (KUBERNETES / path).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
