"""What production refuses: each wrong value by itself, beside a right one, and all of them at once."""

import inspect
import random
import string

import pytest
from asyncpg import connect_utils
from pydantic import SecretStr, ValidationError

from chassis.fitness import SHORTEST_PASSWORD, SHORTEST_SECRET, is_private, weakness
from chassis.settings import Environment, ServedSettings, Settings, Unfit, variable
from rekku.services import GATEWAY, SERVICES, load

DATABASE = "postgresql://rekku_courses:mLq7uVx2Rz9eTc4b@database.internal/rekku?sslmode=verify-full"
PRODUCTION = {
    "environment": "production",
    "database_url": DATABASE,
    "keys_database_url": "postgresql://rekku_keys_decisions:mLq7uVx2Rz9eTc4b@/rekku_keys?host=/run/postgresql",
    "bus": "kafka",
    "kafka_servers": "kafka:9093",
    "kafka_security": "SASL_SSL",
    "kafka_password": "Zt8wQn3xKd6yPf1r",
    "jwks_url": "https://identity.example/jwks.json",
    "issuer": "https://identity.example",
    "public_url": "https://rekku.kela.fi",
    "secret": "6f1c0a9be27d48853c7e94d2b0f5a16388d1e7c3",
    "fingerprint_secret": "b83d5f02c6a94e17d0f2957ae41c86b3507fd9e2",
    "upstreams": {"search": "https://search:8080"},
    "otlp_endpoint": "https://collector:4318",
    "tls_cert_file": "/etc/rekku/tls/tls.crt",
    "tls_key_file": "/etc/rekku/tls/tls.key",
}


def lines(**differences):
    """What is wrong with these settings."""
    return ServedSettings.model_validate(PRODUCTION | differences).unfit()


def test_right_values_are_taken():
    """The control of every refusal below."""
    assert lines() == []
    assert Settings.model_validate(PRODUCTION).environment is Environment.PRODUCTION
    for name in SERVICES:
        load(name).require(ServedSettings.model_validate(PRODUCTION))


ON_TCP = "postgresql://rekku_courses:mLq7uVx2Rz9eTc4b@database.internal/rekku"


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("dev_issuer", True, "of one machine"),
        ("clock", "simulated", "of one machine"),
        ("failpoints", "/orders", "of one machine"),
        ("jwks_url", "file:///keys.json", "not an https address"),
        ("jwks_url", "http://identity.example/jwks.json", "not an https address"),
        ("jwks_url", "https://", "not an https address"),
        ("issuer", "http://identity.example", "not an https address"),
        ("public_url", "http://rekku.kela.fi", "not an https address"),
        ("otlp_endpoint", "http://collector:4318", "not an https address"),
        ("upstreams", {"search": "https://search:8080", "courses": "http://courses:8080"}, "address for courses;"),
        ("kafka_security", "PLAINTEXT", "unencrypted"),
        ("kafka_password", "short", "fewer than 16 characters"),
        ("secret", "x" * 40, "repeats a part of itself"),
        ("fingerprint_secret", "x" * 40, "repeats a part of itself"),
        ("secret", "6f1c0a9be27d48853c7e94d2b0f5a16", "fewer than 32 characters"),
        ("database_url", ON_TCP, "unverified"),
        ("owner_database_url", f"{ON_TCP}?sslmode=require", "unverified"),
        ("keys_database_url", f"{ON_TCP}?sslmode=prefer", "unverified"),
        ("database_url", DATABASE.replace("mLq7uVx2Rz9eTc4b", "changeme-changeme"), "holds a password that"),
    ],
)
def test_a_wrong_value_is_refused_with_its_variable_and_without_itself(name, value, why):
    (line,) = lines(**{name: value})
    assert line.split()[0] == variable(name)
    assert why in line
    assert str(value) not in line
    assert "mLq7" not in line
    with pytest.raises(ValidationError, match=variable(name)):
        Settings.model_validate(PRODUCTION | {name: value})
    assert lines(**{name: value}, environment="development") == [], "elsewhere it may be so"


WITHOUT = {
    "bus": ("embedded", "embedded"),
    "issuer": ("", Settings.model_fields["issuer"].get_default()),
    "public_url": ("", Settings.model_fields["public_url"].get_default()),
    "fingerprint_secret": ("",),
    "jwks_url": ("",),
    "database_url": ("",),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WITHOUT.items() for value in values])
@pytest.mark.parametrize("service", SERVICES)
def test_no_service_starts_without_what_all_need(service, name, value):
    with pytest.raises(Unfit) as refused:
        load(service).require(ServedSettings.model_validate(PRODUCTION | {name: value}))
    assert f"{variable(name)} is missing: {Settings.model_fields[name].description}" in refused.value.problems


def test_the_secret_of_survey_links_is_asked_of_notifications_alone():
    without = ServedSettings.model_validate(PRODUCTION | {"secret": ""})
    for name in SERVICES:
        if name == "notifications":
            with pytest.raises(Unfit, match="REKKU_SECRET is missing"):
                load(name).require(without)
        else:
            load(name).require(without)


def test_a_service_starts_without_what_others_need():
    without_keys = ServedSettings.model_validate(PRODUCTION | {"keys_database_url": "", "upstreams": {}})
    refused = []
    for name in SERVICES:
        try:
            load(name).require(without_keys)
        except Unfit as unfit:
            refused.append((name, [line.split()[0] for line in unfit.problems]))
    assert dict(refused)[GATEWAY] == ["REKKU_UPSTREAMS"]
    assert {name for name, wrong in refused if wrong == ["REKKU_KEYS_DATABASE_URL"]} >= {"decisions", "notifications"}
    assert "registration" not in dict(refused)


def test_no_service_starts_without_a_certificate_nor_any_process_with_half_of_one():
    for service in SERVICES:
        with pytest.raises(Unfit, match="REKKU_TLS_CERT_FILE is missing"):
            load(service).require(ServedSettings.model_validate(PRODUCTION | {"tls_cert_file": "", "tls_key_file": ""}))
    for half in ("tls_cert_file", "tls_key_file"):
        with pytest.raises(ValidationError, match="needs both"):
            Settings.model_validate({half: "/a/file"})


async def test_all_that_is_wrong_is_said_at_once(rekku, tmp_path):
    wrong = {
        "ENVIRONMENT": "production",
        "DATABASE_URL": ON_TCP,
        "SECRET": "changeme",
        "OTLP_ENDPOINT": "http://collector:4318",
    }
    status, out, err = await rekku("serve", "courses", HOME=tmp_path, **wrong)
    assert (status, out) == (2, "")
    first, *others = err.splitlines()
    assert first == "rekku: courses does not start:"
    assert sorted(line.split()[2] for line in others) == sorted(
        variable(name)
        for name in (
            "database_url",
            "secret",
            "fingerprint_secret",
            "otlp_endpoint",
            "keys_database_url",
            "bus",
            "issuer",
            "jwks_url",
            "public_url",
            "tls_cert_file",
            "tls_key_file",
        )
    )
    assert "mLq7uVx2Rz9eTc4b" not in err


async def test_other_commands_refuse_what_is_wrong_too(rekku, tmp_path):
    wrong = {"HOME": tmp_path, "ENVIRONMENT": "production", "OWNER_DATABASE_URL": ON_TCP}
    status, _, err = await rekku("migrate", **wrong)
    assert (status, "REKKU_OWNER_DATABASE_URL reaches PostgreSQL unverified" in err) == (2, True)
    status, _, err = await rekku("migrate", HOME=tmp_path / "home", ENVIRONMENT="production")
    assert (status, "REKKU_OWNER_DATABASE_URL is missing" in err) == (2, True)
    status, _, err = await rekku("up", HOME=tmp_path / "home", ENVIRONMENT="production", PORT="0")
    assert (status, "REKKU_DEV_ISSUER is of one machine" in err) == (2, True)
    assert not (tmp_path / "home").exists(), "nothing has been made"
    wrong = {"ADMIN_URL": ON_TCP, "ROLE_PASSWORDS": "{}", "ENVIRONMENT": "production"}
    status, _, err = await rekku("provision", **wrong)
    assert (status, "REKKU_ROLE_PASSWORDS" in err) == (2, True)


@pytest.mark.parametrize(
    ("url", "private"),
    [
        (ON_TCP, False),
        *((f"{ON_TCP}?sslmode={mode}", False) for mode in ("disable", "allow", "prefer", "require", "verify-ca")),
        (f"{ON_TCP}?sslmode=verify-full", True),
        (f"{ON_TCP}?sslmode=verify-full&sslmode=prefer", False),
        (f"{ON_TCP}?sslmode=prefer&sslmode=verify-full", True),
        ("postgresql://role@/rekku?host=/run/postgresql", True),
        ("postgresql://role@%2Frun%2Fpostgresql/rekku", True),
        ("postgresql://role@%2Frun%2Fpostgresql,database/rekku", False),
        ("postgresql://role@/rekku?host=/run/postgresql,database", False),
        ("postgresql://role@database/rekku?host=/run/postgresql", False),
        ("postgresql://role@/rekku", False),
        ("postgresql:///rekku", False),
        ("postgresql://one,two/rekku?sslmode=verify-full", True),
    ],
)
def test_what_is_private_is_so_for_the_driver(url, private, monkeypatch, tmp_path):
    """Whatever is taken here leads the driver to sockets, or makes it verify the server and its name."""
    monkeypatch.setenv("PGSSLROOTCERT", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(connect_utils.ssl_module.SSLContext, "load_verify_locations", lambda *_, **__: None)
    assert is_private(url) is private
    parse = connect_utils._parse_connect_dsn_and_args
    addresses, parameters = parse(**dict.fromkeys(inspect.signature(parse).parameters) | {"dsn": url})
    by_socket = all(isinstance(address, str) for address in addresses)
    verified = bool(parameters.ssl) and parameters.ssl.check_hostname and parameters.ssl.verify_mode.value == 2
    assert (by_socket or verified) is private


RANDOM = string.ascii_letters + string.digits


@pytest.mark.parametrize("shortest", [SHORTEST_PASSWORD, SHORTEST_SECRET])
@pytest.mark.parametrize("alphabet", [string.hexdigits[:16], RANDOM, RANDOM + string.punctuation])
def test_what_is_drawn_at_random_is_strong(shortest, alphabet):
    """Nobody is sent back to draw again: of a thousand none is refused, with twice the shortest length."""
    draw = random.Random(f"{shortest} {alphabet}")
    drawn = ["".join(draw.choice(alphabet) for _ in range(2 * shortest)) for _ in range(1000)]
    assert [weakness(secret, shortest) for secret in drawn if weakness(secret, shortest)] == []


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("", "fewer"),
        ("6f1c0a9be27d4885", "fewer"),
        ("0" * 64, "repeats"),
        ("correct horse battery correct horse battery", "repeats"),
        ("abcdefghijklmnopqrstuvwxyz0123456", "few characters"),
        ("01100111010110001011100100111010101", "few characters"),
        ("change-me-please-this-is-the-default-secret", "placeholder"),
        ("my-secret-password-for-production!!", "placeholder"),
        ("CHANGEME_CHANGEME_EXAMPLE_PASSWORD", "placeholder"),
    ],
)
def test_what_could_be_guessed_is_weak(secret, why):
    assert why in weakness(secret, SHORTEST_SECRET)
    assert weakness("6f1c0a9be27d48853c7e94d2b0f5a16388d1e7c3", SHORTEST_SECRET) is None


def test_every_secret_and_every_database_is_judged_whatever_it_is_called():
    """So that a new one is, too."""
    found = {name for name, one in Settings.model_fields.items() if "SecretStr" in str(one.annotation)}
    assert found
    for name in found:
        weak = f"{DATABASE.replace('mLq7uVx2Rz9eTc4b', 'abc')}" if name.endswith("database_url") else "abc"
        assert [line.split()[0] for line in lines(**{name: SecretStr(weak)})] == [variable(name)]
    urls = {name for name in Settings.model_fields if "postgresql://" in str(Settings.model_fields[name].description)}
    assert urls <= {name for name in Settings.model_fields if name.endswith("database_url")}
