"""Values that the OpenAPI document shows."""

EXAMPLES = {
    "client_ref": "client-4711",
    "closed_by": "officer-7",
    "concern_id": "0197a3c2-5f1e-7d30-9c51-6f2b8e4d1a77",
    "contract_id": "0197a3c2-5f1e-7d30-9c51-6f2b8e4d1a77",
    "course_id": "0197a3c2-5f1e-7d30-9c51-6f2b8e4d1a77",
    "decision_ref": "7K2M9XQ4T0BCA",
    "filed_by": "worker-3",
    "next": None,
    "noted_by": "officer-7",
    "number": 1,
    "office_id": "0197a3c2-5f1e-7d30-9c51-6f2b8e4d1a77",
    "pinned_to": "0197a3c2-5f1e-7d30-9c51-6f2b8e4d1a77",
    "provider_id": "1234567-1",
    "words": "Asiakkaan tilanne on muuttunut.",
}
