"""The key store: its tables, and a role of its own for each service that seals or opens.

What a role sees is decided by row-level security: the keys of its purposes (`contracts.keys`), of no other. The
owner of the tables is the role of provisioning; no service logs in as it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contracts.keys import BATCHES_OF, Purpose, made_by, opened_by, users_of_keys

KEYS_DDL = """
CREATE TABLE IF NOT EXISTS client_keys (
    client_ref text PRIMARY KEY,
    key bytea CHECK (octet_length(key) = 32),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    erased_at timestamptz,
    CHECK (key IS NOT NULL OR erased_at IS NOT NULL)
);
COMMENT ON TABLE client_keys IS 'Keys of before keys had purposes: they open what was sealed then; none is added';

CREATE TABLE IF NOT EXISTS keys_by_purpose (
    client_ref text NOT NULL,
    purpose text NOT NULL,
    key bytea CHECK (octet_length(key) = 32),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    erased_at timestamptz,
    PRIMARY KEY (client_ref, purpose),
    CHECK (key IS NOT NULL OR erased_at IS NOT NULL)
);
COMMENT ON COLUMN keys_by_purpose.key IS 'AES-256; NULL once erased, until something is sealed for the client anew';
ALTER TABLE keys_by_purpose ENABLE ROW LEVEL SECURITY;
"""


def keys_role_of(service: str) -> str:
    """The role as which a service reads keys."""
    return f"rekku_keys_{service}"


def keys_roles() -> list[str]:
    """The roles of every service that seals or opens."""
    return [keys_role_of(name) for name in users_of_keys()]


def grants() -> Iterator[str]:
    """The statements that give every role what `contracts.keys` says, and nothing else; may be repeated."""
    for service in users_of_keys():
        role, made, opened = keys_role_of(service), made_by(service), opened_by(service)
        yield f"REVOKE ALL ON client_keys, keys_by_purpose FROM {role}"
        # Until it is sealed anew, what was sealed before keys had purposes is opened by everyone who could then.
        yield f"GRANT SELECT ON client_keys, keys_by_purpose TO {role}"
        yield f"REVOKE ALL ON batch_keys FROM {role}"
        if service == BATCHES_OF:
            yield f"GRANT SELECT, INSERT, DELETE ON batch_keys TO {role}"
        yield f"DROP POLICY IF EXISTS made_by_{service} ON keys_by_purpose"
        yield f"DROP POLICY IF EXISTS opened_by_{service} ON keys_by_purpose"
        if made:
            yield f"GRANT INSERT, UPDATE (key, created_at, erased_at) ON keys_by_purpose TO {role}"
            yield f"GRANT UPDATE (key, erased_at) ON client_keys TO {role}"
            yield (
                f"CREATE POLICY made_by_{service} ON keys_by_purpose TO {role}"
                f" USING ({_among(made)}) WITH CHECK ({_among(made)})"
            )
        if opened:
            yield f"CREATE POLICY opened_by_{service} ON keys_by_purpose FOR SELECT TO {role} USING ({_among(opened)})"


def _among(purposes: Iterable[Purpose]) -> str:
    names = ", ".join(f"'{purpose}'" for purpose in purposes)
    return f"purpose IN ({names})"
