"""Negative controls of the long run's checks: each planted fault is found, and a true history is not suspected."""

from dataclasses import replace

import pytest

from tests.chaos import check_records, check_tables  # noqa: F401 - they declare the checks
from tests.chaos.a_history import CONTRACT, COURSE, DIFFERS, GOES, STAYS, a_true_history
from tests.chaos.checks import CHECKS, outcomes

FAULTS = {}


def fault(*checks):
    """Declare a fault and the checks that must find it."""

    def declared(plant):
        FAULTS[plant.__name__.replace("_", " ")] = (plant, checks)
        return plant

    return declared


def failed(evidence):
    return {outcome.name for outcome in outcomes(evidence) if not outcome.passed}


def the(evidence, topic, key, version=1):
    return next(r for r in evidence.records if (r.topic, r.key, r.version) == (topic, key, version))


def row(evidence, table, **columns):
    return next(r for r in evidence.tables[table] if all(r[name] == value for name, value in columns.items()))


@fault("every version stands on its topic")
def an_event_was_lost(evidence):
    evidence.records.remove(the(evidence, "rekku.courses", COURSE, 4))


@fault("every version stands on its topic")
def the_last_contact_was_lost(evidence):
    evidence.records.remove(the(evidence, "rekku.client-contacts", "client-1"))


@fault("every version stands on its topic")
def an_event_of_a_transaction_that_rolled_back_was_sent(evidence):
    last = the(evidence, "rekku.decisions", GOES, 2)
    evidence.records.append(replace(last, position=99, event_id="id-99", body=last.body | {"version": 3}))


@fault("every record has an owner's row")
def an_event_speaks_of_what_nobody_has(evidence):
    first = the(evidence, "rekku.decisions", STAYS)
    evidence.records.append(replace(first, position=99, event_id="id-99", key="decision-9"))


@fault("every fact stands on its topic")
def a_payment_was_lost_on_the_way(evidence):
    evidence.records.remove(the(evidence, "rekku.payments", STAYS))


@fault("every fact stands on its topic")
def the_news_of_a_message_was_lost(evidence):
    evidence.records.remove(the(evidence, "rekku.messages", "message-4"))


@fault("each event was written once")
def a_reaction_ran_twice_and_told_of_it_twice(evidence):
    released = the(evidence, "rekku.pins", GOES, 2)
    evidence.records.append(replace(released, position=99, event_id="id-99"))


@fault("each event was written once", "order within each key is kept")
def a_difference_was_told_twice(evidence):
    found = the(evidence, "rekku.quotas", DIFFERS)
    evidence.records.append(replace(found, position=99, event_id="id-99"))


@fault("every record has an owner's row")
def a_difference_was_told_that_nobody_noted(evidence):
    evidence.tables["decisions.differences"].clear()


@fault("a repeated record says the same")
def an_id_was_used_for_two_things(evidence):
    first = the(evidence, "rekku.decisions", STAYS)
    evidence.records.append(replace(first, position=99, body=first.body | {"state": "revoked"}))


@fault("order within each key is kept")
def two_events_of_a_key_changed_places(evidence):
    here = evidence.records.index(the(evidence, "rekku.decisions", GOES, 1))
    evidence.records[here], evidence.records[here + 1] = evidence.records[here + 1], evidence.records[here]


@fault("order within each key is kept")
def a_key_moved_to_another_partition(evidence):
    last = the(evidence, "rekku.decisions", GOES, 2)
    evidence.records[evidence.records.index(last)] = replace(last, partition=3)


@fault("dead letters are empty and no key is parked")
def a_record_became_a_dead_letter(evidence):
    evidence.tables["search.dead_letters"].append({"error": "ValueError"})


@fault("dead letters are empty and no key is parked")
def a_key_is_parked(evidence):
    evidence.tables["notifications.parked_keys"].append({"key": STAYS})


@fault("dead letters are empty and no key is parked")
def a_letter_stands_on_its_topic(evidence):
    first = the(evidence, "rekku.decisions", STAYS)
    evidence.records.append(replace(first, topic="rekku.courses.dead-letter", event_id="id-99"))


@fault("everything is at rest")
def a_partition_is_paused(evidence):
    evidence.progress["courses-2"]["paused"] = 1


@fault("everything is at rest")
def a_group_stands_still(evidence):
    evidence.lag["search"] = 7


@fault("everything is at rest")
def a_row_was_never_relayed(evidence):
    evidence.tables["decisions.outbox"].append({"topic": "rekku.decisions"})


@fault("every command was answered, none with a failure of ours")
def nobody_ever_answered(evidence):
    evidence.unanswered = ["decisions: POST /decisions"]


@fault("every command was answered, none with a failure of ours")
def a_request_ran_into_a_bug(evidence):
    evidence.errors = ["decisions: POST /decisions was answered 500"]


@fault("what was answered stands at its owner")
def an_answered_change_is_gone(evidence):
    row(evidence, "registration.contracts", contract_id=CONTRACT)["version"] = 2


@fault("what was done stands: decisions, revocations, pins, payments, counts")
def an_answered_decision_is_gone(evidence):
    row(evidence, "decisions.decisions", decision_ref=STAYS)["application_ref"] = "application-9"


@fault("what was done stands: decisions, revocations, pins, payments, counts")
def an_answered_pin_is_gone(evidence):
    evidence.tables["courses.pins"].remove(row(evidence, "courses.pins", decision_ref=STAYS))


@fault("each command was done once")
def a_repeated_command_was_done_again(evidence):
    evidence.tables["decisions.audit"].append({"action": "grant_decision", "route": "POST /decisions"})


@fault("each command was done once")
def a_survey_was_counted_twice(evidence):
    evidence.tables["notifications.answers"].append({})


@fault("each command was done once")
def a_full_batch_of_answers_waits(evidence):
    evidence.tables["notifications.surveys"] += [{"state": "answered"}] * 4
    evidence.tables["notifications.sealed_answers"] += [{"batch_id": "batch-1"}] * 4


@fault("every copy is as its owner's")
def a_copy_is_behind(evidence):
    row(evidence, "notifications.decisions", decision_ref=GOES).update(version=1, state="granted")


@fault("every copy is as its owner's")
def the_search_never_heard_of_an_office(evidence):
    evidence.tables["search.offices"].clear()


@fault("every copy is as its owner's")
def the_gauge_misses_a_decision(evidence):
    evidence.tables["registration.decisions"].pop()


@fault("every copy is as its owner's")
def the_followup_does_not_know_of_a_release(evidence):
    row(evidence, "decisions.pins", decision_ref=GOES).update(version=1, state="active")


@fault("ledgers equal what they count")
def a_place_was_taken_twice(evidence):
    row(evidence, "courses.courses", course_id=COURSE)["occupied"] = 2


@fault("ledgers equal what they count")
def places_were_reserved_twice(evidence):
    evidence.tables["courses.place_ledgers"][0]["reserved"] = 16


@fault("ledgers equal what they count")
def a_grant_was_counted_twice(evidence):
    evidence.tables["decisions.announced_counts"][0]["used"] = 3


@fault("ledgers equal what they count")
def a_new_client_was_not_counted(evidence):
    evidence.tables["decisions.quotas"][0]["used"] = 1


@fault("one place per client, none for a revoked decision")
def a_revoked_client_still_has_a_place(evidence):
    row(evidence, "courses.pins", decision_ref=GOES).update(state="active", reason=None)


@fault("each client is told once of each occasion")
def a_client_was_told_twice(evidence):
    again = dict(row(evidence, "notifications.messages", message_id="message-4"))
    evidence.tables["notifications.messages"].append(again | {"message_id": "message-9"})


@fault("each client is told once of each occasion")
def a_provider_was_never_told(evidence):
    messages = evidence.tables["notifications.messages"]
    messages.remove(row(evidence, "notifications.messages", message_id="message-1"))


@fault("each client is told once of each occasion")
def an_sms_arrived_twice(evidence):
    evidence.phones.append("message-4")


@fault("each client is told once of each occasion")
def an_sms_never_arrived(evidence):
    evidence.phones.remove("message-5")


@fault("each paid stage invites once")
def nobody_was_invited(evidence):
    evidence.tables["notifications.invitations"].clear()


@fault("each paid stage invites once")
def a_client_was_invited_twice(evidence):
    evidence.tables["notifications.invitations"] *= 2


@fault("the search shows what the courses are")
def the_search_shows_a_place_that_is_taken(evidence):
    evidence.shown[1001]["free_places"] = 8


@fault("the search shows what the courses are")
def the_search_does_not_show_a_course(evidence):
    evidence.shown.clear()


@fault(*CHECKS.keys() - {"dead letters are empty and no key is parked"})
def nothing_was_there_to_look_at(evidence):
    evidence.done = evidence.records = ()
    evidence.progress, evidence.lag, evidence.shown, evidence.phones = {}, {}, {}, []
    evidence.tables = {table: [] for table in evidence.tables}


def test_a_true_history_passes_every_check():
    assert failed(a_true_history()) == set()


@pytest.mark.parametrize("planted", FAULTS)
def test_a_planted_fault_is_found(planted):
    plant, expected = FAULTS[planted]
    evidence = a_true_history()
    plant(evidence)
    assert set(expected) <= failed(evidence)


def test_every_check_finds_some_fault():
    found = {name for plant, checks in FAULTS.values() if plant is not nothing_was_there_to_look_at for name in checks}
    assert found == set(CHECKS)
