"""What the Kubernetes manifests promise: who may do what, that pods end in time, that production would start."""

import json

import pytest

from chassis import runtime
from chassis.settings import BusKind, KafkaSecurity, ServedSettings, Settings, Unfit
from contracts.keys import users_of_keys
from contracts.topics import SERVICES, TOPICS, read_by, written_by
from contracts.values import PersonalDataClass
from deploy import check, compose, generate
from rekku.provisioning import needed_roles
from rekku.services import GATEWAY, load
from rekku.services import SERVICES as ALL_SERVICES

RESOURCES = check.resources(check.built())
DEPLOYMENTS = {one["metadata"]["name"]: one for one in RESOURCES if one["kind"] == "Deployment"}
PODS = {one["metadata"]["name"]: one["spec"]["template"] for one in RESOURCES if one["kind"] in ("Deployment", "Job")}


ADDRESSES = {"REKKU_PUBLIC_URL": "https://rekku.example", "REKKU_JWKS_URL": "https://identity.example/jwks.json"}


_SECRET = "a secret of at least thirty-two characters"
_SECRET_URL = (
    "postgresql://role:of-twenty-letters@database:5432/rekku?sslmode=verify-full&sslrootcert=/etc/rekku/database/ca.crt"
)


def of_kind(kind):
    return {one["metadata"]["name"]: one for one in RESOURCES if one["kind"] == kind}


def environment(pod, config_maps=("rekku", "rekku-installation")):
    """The container's variables with something believable for each secret."""
    (container,) = pod["spec"]["containers"]
    values = {}
    for name, config in of_kind("ConfigMap").items():
        if name.rpartition("-")[0] in config_maps:
            values |= config["data"]
    for variable in container.get("env", []):
        if (key := variable.get("valueFrom", {}).get("configMapKeyRef")) is not None:
            values |= {variable["name"]: of_kind("ConfigMap")[key["name"]]["data"][key["key"]]}
            continue
        values[variable["name"]] = variable.get("value", _SECRET_URL if variable["name"].endswith("_URL") else _SECRET)
    return values


def settings(values):
    fields = {name.removeprefix("REKKU_").lower(): value for name, value in values.items()}
    fields |= {name: json.loads(fields[name]) for name in ("upstreams",) if name in fields}
    return ServedSettings.model_validate(fields)


def test_every_service_has_its_resources():
    for kind in ("Deployment", "Service", "PodDisruptionBudget", "ServiceAccount"):
        assert set(of_kind(kind)) >= set(ALL_SERVICES), kind
    for name, pod in PODS.items():
        assert pod["spec"]["serviceAccountName"] == name
    assert {name: PODS[name]["spec"]["containers"][0]["args"] for name in ALL_SERVICES} == {
        name: ["serve", name] for name in ALL_SERVICES
    }


@pytest.mark.parametrize("name", ALL_SERVICES)
def test_a_service_would_start_in_production(name):
    told = settings(environment(PODS[name]))
    load(name).require(told)
    assert (told.bus, told.kafka_security) == (BusKind.KAFKA, KafkaSecurity.SASL_SSL)
    assert bool(told.kafka_username) == (name != GATEWAY)
    assert set(told.upstreams) == (set(SERVICES) if name == GATEWAY else set())
    assert not told.dev_issuer


def test_without_the_installations_own_addresses_production_does_not_start():
    """Negative control of the test before."""
    with pytest.raises(Unfit) as refused:
        load("courses").require(settings(environment(PODS["courses"], config_maps=("rekku",))))
    assert sorted(line.split()[0] for line in refused.value.problems) == [
        *("REKKU_ISSUER", "REKKU_JWKS_URL", "REKKU_PUBLIC_URL")
    ]


@pytest.mark.parametrize("name", ["rekku-migrate", "rekku-provision"])
def test_jobs_are_of_production_too(name):
    assert environment(PODS[name])["REKKU_ENVIRONMENT"] == "production"


def test_everything_is_spoken_over_tls_from_pod_to_pod():
    """Each shows a certificate of its own, which is where its settings look; the gateway knows who signs them."""
    config = next(one["data"] for name, one in of_kind("ConfigMap").items() if name.rpartition("-")[0] == "rekku")
    for name in ALL_SERVICES:
        pod, (container,) = PODS[name]["spec"], PODS[name]["spec"]["containers"]
        folders = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
        secrets = {one["name"]: one["secret"]["secretName"] for one in pod["volumes"] if "secret" in one}
        assert secrets["tls"] == f"rekku-{name}-tls"
        assert config["REKKU_TLS_CERT_FILE"] == f"{folders['tls']}/tls.crt"
        assert config["REKKU_TLS_KEY_FILE"] == f"{folders['tls']}/tls.key"
        assert ("services-ca" in secrets) == (name == GATEWAY)
        probes = [container[probe]["httpGet"]["scheme"] for probe in container if probe.endswith("Probe")]
        assert probes == ["HTTPS"] * 3
    told = environment(PODS[GATEWAY])
    assert {url.split(":")[0] for url in json.loads(told["REKKU_UPSTREAMS"]).values()} == {"https"}
    (container,) = PODS[GATEWAY]["spec"]["containers"]
    folders = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    assert told["REKKU_UPSTREAM_CA_FILE"] == f"{folders['services-ca']}/ca.crt"


def test_every_variable_is_one_that_the_program_reads():
    known = {f"REKKU_{name.upper()}" for name in Settings.model_fields}
    jobs = {"REKKU_ADMIN_URL", "REKKU_ROLE_PASSWORDS"}
    told = {name for pod in PODS.values() for name in environment(pod)}
    document = compose.load(dict.fromkeys(compose.wanted_secrets(), "0" * 48))
    told |= {
        name
        for service in document["services"].values()
        for name in service.get("environment", {})
        if name.startswith("REKKU_")
    }
    assert told - known == jobs


def test_whose_word_on_clients_is_taken_is_set_by_manifests_and_compose():
    """Of the gateway alone: whoever reaches another service directly is nobody's proxy."""
    assert settings(environment(PODS[GATEWAY])).trusted_proxies
    assert {name for name, pod in PODS.items() if "REKKU_TRUSTED_PROXIES" in environment(pod)} == {GATEWAY}
    for given, networks in (("", 0), ("172.16.0.0/12, 192.0.2.7", 2)):
        variables = dict.fromkeys(compose.wanted_secrets(), "0" * 48) | {"REKKU_TRUSTED_PROXIES": given}
        services = compose.load(variables)["services"]
        told = {name for name, one in services.items() if "REKKU_TRUSTED_PROXIES" in one.get("environment", {})}
        assert told == {GATEWAY}
        proxies = services[GATEWAY]["environment"]["REKKU_TRUSTED_PROXIES"]
        assert len(settings({"REKKU_TRUSTED_PROXIES": proxies}).trusted_proxies) == networks


def test_where_no_proxy_is_trusted_in_compose_only_this_machine_reaches_the_gateway():
    """What could stand in front of a port of all addresses would have to be named."""
    document = compose.load(dict.fromkeys(compose.wanted_secrets(), "0" * 48))
    published = {name: one["ports"] for name, one in document["services"].items() if "ports" in one}
    assert GATEWAY in published
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert not document["services"][GATEWAY]["environment"]["REKKU_TRUSTED_PROXIES"]


@pytest.mark.parametrize("name", PODS)
def test_a_pod_may_do_nothing_it_does_not_need(name):
    """What Kubernetes' pod security standard `restricted` asks for, and more."""
    pod = PODS[name]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert set(container["resources"]) == {"requests", "limits"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()


@pytest.mark.parametrize("name", ALL_SERVICES)
def test_a_pod_has_longer_to_end_than_a_service_takes(name):
    pod = PODS[name]["spec"]
    pause_s = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > pause_s + 2 * runtime._GRACE_S
    document = compose.load(dict.fromkeys(compose.wanted_secrets(), "0" * 48))
    assert int(document["services"][name]["stop_grace_period"].removesuffix("s")) > 2 * runtime._GRACE_S


@pytest.mark.parametrize("name", ALL_SERVICES)
def test_one_of_two_pods_stays_and_probes_ask_what_they_should(name):
    deployment = DEPLOYMENTS[name]["spec"]
    (container,) = deployment["template"]["spec"]["containers"]
    budget = of_kind("PodDisruptionBudget")[name]["spec"]
    assert (deployment["replicas"], budget["minAvailable"]) == (2, 1)
    assert budget["selector"] == deployment["selector"]
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"


def test_only_who_seals_and_who_opens_knows_the_keys():
    knowing = {name for name, pod in PODS.items() if "REKKU_KEYS_DATABASE_URL" in environment(pod)}
    assert knowing == set(users_of_keys()) == {"courses", "decisions", "notifications"}


def test_each_service_has_secrets_of_its_own():
    """Survey links are notifications' alone; fingerprints and keys are shared by no two."""
    named = {name: secrets_of(pod) for name, pod in PODS.items()}
    assert {name for name, own in named.items() if "REKKU_SECRET" in own} == {"notifications"}
    for variable, sharing in (("REKKU_FINGERPRINT_SECRET", ALL_SERVICES), ("REKKU_KEYS_DATABASE_URL", users_of_keys())):
        assert len({named[name][variable] for name in sharing}) == len(sharing)


def secrets_of(pod):
    return {
        variable["name"]: variable["valueFrom"]["secretKeyRef"]["name"]
        for variable in pod["spec"]["containers"][0].get("env", [])
        if "secretKeyRef" in variable.get("valueFrom", {})
    }


def test_no_secret_is_in_the_manifests():
    assert of_kind("Secret") == {}
    for pod in PODS.values():
        for variable in pod["spec"]["containers"][0].get("env", []):
            secret = variable["name"].endswith(("_URL", "_SECRET", "_PASSWORD", "_PASSWORDS"))
            assert secret == ("secretKeyRef" in variable.get("valueFrom", {})), variable


def test_every_secret_a_pod_needs_is_explained():
    guide = (compose.ROOT / "docs" / "deployment.md").read_text()
    wanted = {
        variable["valueFrom"]["secretKeyRef"]["name"]
        for pod in PODS.values()
        for variable in pod["spec"]["containers"][0].get("env", [])
        if "secretKeyRef" in variable.get("valueFrom", {})
    }
    wanted |= {
        volume["secret"]["secretName"]
        for pod in PODS.values()
        for volume in pod["spec"].get("volumes", [])
        if "secret" in volume
    }
    generic = {name.replace(service, "SERVICE") for name in wanted for service in ALL_SERVICES if service in name}
    plain = {name for name in wanted if not any(service in name for service in ALL_SERVICES)}
    assert {name for name in generic | plain if f"`{name}`" not in guide} == set()


def rights(user):
    return {
        (rule["resource"]["type"], rule["resource"]["name"], operation)
        for rule in user["spec"]["authorization"]["acls"]
        for operation in rule["operations"]
        if operation != "Describe"
    }


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_writes_its_own_topics_and_reads_what_it_consumes(name):
    assert rights(of_kind("KafkaUser")[f"rekku-{name}"]) == {
        *(("topic", topic.name, "Write") for topic in written_by(name)),
        *(("topic", topic.name, "Read") for topic in read_by(name)),
        ("group", f"rekku.{name}", "Read"),
    }
    assert environment(PODS[name])["REKKU_KAFKA_USERNAME"] == f"rekku-{name}"


def test_money_signals_are_written_from_outside_and_by_nobody_else():
    users = of_kind("KafkaUser")
    writers = {name for name, user in users.items() if ("topic", "rekku.quota-signals", "Write") in rights(user)}
    assert writers == {"rekku-external"}
    assert rights(users["rekku-external"]) == {("topic", "rekku.quota-signals", "Write")}


def test_a_subscriber_reads_nothing_restricted_and_writes_nothing():
    template = rights(of_kind("KafkaUser")["rekku-subscriber-template"])
    read = {name for kind, name, _ in template if kind == "topic"}
    assert {operation for _, _, operation in template} == {"Read"}
    assert {TOPICS[name].personal_data for name in read}.isdisjoint({PersonalDataClass.RESTRICTED})
    assert read.isdisjoint({"rekku.client-contacts", "rekku.quota-signals", "rekku.courses.dead-letter"})


def test_every_topic_outlives_a_broker_and_keeps_what_it_promises():
    topics = of_kind("KafkaTopic")
    assert set(topics) == set(TOPICS)
    for name, topic in topics.items():
        spec, declared = topic["spec"], TOPICS[name]
        assert (spec["partitions"], spec["replicas"]) == (declared.partitions, generate.BROKERS)
        assert spec["config"]["min.insync.replicas"] == "2"
        assert (spec["config"]["cleanup.policy"] == "compact") == declared.compacted
        assert (spec["config"]["retention.ms"] == "-1") == (declared.retention is None)
    assert of_kind("Kafka")["rekku"]["spec"]["kafka"]["config"]["min.insync.replicas"] == 2
    assert of_kind("KafkaNodePool")["brokers"]["spec"]["replicas"] == generate.BROKERS
    assert {topic["metadata"]["labels"]["strimzi.io/cluster"] for topic in topics.values()} == set(of_kind("Kafka"))


def test_compose_and_provisioning_agree_on_who_logs_in():
    document = compose.load(dict.fromkeys(compose.wanted_secrets(), "0" * 48))
    passwords = json.loads(document["services"]["provision"]["environment"]["REKKU_ROLE_PASSWORDS"])
    assert set(passwords) == set(needed_roles())
