"""Who is told what, once, in whatever order the news arrives."""

from datetime import date

import pytest

from chassis.auth import Role
from contracts.courses import ClientPinned, CourseBegan, CourseConfirmed, CoursePublished, ParticipationNoted
from contracts.decisions import DecisionAnnulled, DecisionAwaitsQuota, QuotaFilled, QuotaReopened
from contracts.envelope import new_event_id
from contracts.registration import ChangeRequest, ChangeRequestDecided, ContractValidityChanged
from contracts.values import ChangeKind, ChangeState, CourseState, Language, PinState, ReleaseReason
from services.notifications.domain import CLIENT_TEMPLATES
from tests.notifications.builders import (
    OTHER_PROVIDER,
    PROVIDER,
    a_contract,
    a_course,
    a_decision,
    a_full_count,
    a_payment,
    a_pin,
    a_quota,
    a_service,
    moved,
    revoked,
    unpinned,
)


def templates(lines):
    return [line["template"] for line in lines]


async def test_a_provider_is_told_of_a_grant(notifications):
    """E-83: the decision has been received."""
    await notifications.deliver(a_decision())
    [line] = await notifications.inbox()
    assert (line["template"], line["state"], line["decision_ref"]) == ("decision-received", "sent", "D-1")
    assert "D-1" in line["text"]
    [event] = await notifications.sent("decision-received")
    assert (event.provider_id, event.channel, event.message_id) == (PROVIDER, "provider_inbox", line["message_id"])


async def test_a_swedish_contracts_provider_is_written_to_in_swedish(notifications):
    """R-DEC-22."""
    await notifications.deliver(a_decision(language=Language.SV))
    [line] = await notifications.inbox()
    assert line["text"].startswith("Nytt rehabiliteringsbeslut")


async def test_the_same_news_twice_is_told_once(notifications):
    """E-67: by the event's id, and by the occasion when the id is another one."""
    event_id = new_event_id()
    await notifications.deliver(a_decision(), event_id=event_id)
    await notifications.deliver(a_decision(), event_id=event_id)
    await notifications.deliver(a_decision())
    assert len(await notifications.inbox()) == 1
    assert len(await notifications.sent("decision-received")) == 1


async def test_a_revocation_is_told_to_provider_and_client(notifications):
    """E-21, E-83: 'provider and client are told'."""
    await notifications.given_client()
    await notifications.deliver(a_course(), a_pin(), revoked(), unpinned())
    await notifications.send_all()
    assert templates(await notifications.inbox()) == ["client-unpinned", "decision-received"]
    line = (await notifications.inbox())[0]
    assert "976" in line["text"]
    assert "vapautui" in line["text"]
    [sms] = notifications.sms()
    assert "Paikkasi kurssilla on vapautettu" in sms
    assert len(await notifications.sent("place-released")) == 1


async def test_an_annulment_is_told_to_the_provider_and_not_to_the_client(notifications):
    """E-7, E-21: in the words of an annulment; what waited to be sent does not leave, nor does a survey."""
    await notifications.given_client()
    annulled = a_decision(DecisionAnnulled, 2, new_client=False)
    gone = unpinned(reason=ReleaseReason.DECISION_ANNULLED)
    await notifications.deliver(a_course(), a_pin(), a_payment(2), gone, annulled, gone)
    await notifications.send_all()
    assert templates(await notifications.inbox()) == ["client-unpinned", "decision-received"]
    assert "kumottu" in (await notifications.inbox())[0]["text"]
    assert notifications.sms() == []
    assert await notifications.states("place-released") == []


async def test_an_unpin_that_arrives_before_decision_and_course_is_told_when_they_are_there(notifications):
    """E-67: early arrivals make stubs; whichever side comes second triggers the effect."""
    await notifications.deliver(unpinned(version=2))
    await notifications.send_all()
    assert notifications.sms() == []
    await notifications.deliver(revoked())
    await notifications.send_all()
    assert notifications.sms() == []
    await notifications.deliver(await notifications.a_contact())
    await notifications.send_all()
    assert len(notifications.sms()) == 1
    [line] = await notifications.inbox()
    assert "unknown" not in line["text"]


async def test_a_release_for_another_reason_is_nobodys_news(notifications):
    await notifications.given_client()
    await notifications.deliver(a_pin(), unpinned(reason=ReleaseReason.PROVIDER))
    assert templates(await notifications.inbox()) == ["decision-received"]
    assert await notifications.states("place-released") == []


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (ReleaseReason.COURSE_CANCELLED, "Kela perui kurssi 976."),
        (ReleaseReason.DID_NOT_HAPPEN, "Järjestämättä jäi kurssi 976."),
        (ReleaseReason.COURSE_DELETED, "Poistettiin kurssi 976."),
    ],
)
async def test_the_end_of_a_course_is_told_to_its_clients_and_to_the_provider(notifications, reason, said):
    """E-15, E-34, E-40: 'clients told'; once, however often the news comes."""
    await notifications.given_client()
    await notifications.deliver(a_course(), a_pin(), unpinned(reason=reason), unpinned(reason=reason))
    await notifications.send_all()
    assert templates(await notifications.inbox()) == ["course-ended", "decision-received"]
    assert (await notifications.inbox())[0]["text"].startswith(said)
    [sms] = notifications.sms()
    assert "ei järjestetä" in sms
    assert len(await notifications.sent("course-not-held")) == 1


async def test_clients_of_a_course_that_was_confirmed_late_are_not_told_of_it(notifications):
    """E-40: they were there."""
    await notifications.given_client()
    await notifications.deliver(a_course(), a_pin())
    for version, state in ((2, CourseState.RUNNING), (3, CourseState.COMPLETED)):
        await notifications.deliver(a_course(CourseConfirmed, version, state=state, late_confirmed=True))
    assert await notifications.states("course-confirmed") == []


@pytest.mark.parametrize("order", ["pin first", "course first"])
async def test_who_comes_later_to_a_course_that_was_confirmed_late_is_not_told_that_it_will_take_place(
    notifications, order
):
    """E-40: also where older news of the course comes last; control: of one confirmed in time they are told."""
    running = a_course(CourseConfirmed, 3, state=CourseState.RUNNING, late_confirmed=True)
    await notifications.deliver(*([a_pin(), running] if order == "pin first" else [running, a_pin()]))
    await notifications.deliver(a_course(CourseConfirmed, 2, state=CourseState.CONFIRMED))
    assert await notifications.states("course-confirmed") == []
    in_time = a_course(CourseBegan, 3, state=CourseState.RUNNING, course_id="course-2")
    await notifications.deliver(in_time, a_pin(decision_ref="D-2", course_id="course-2"))
    assert await notifications.states("course-confirmed") == ["waiting"]


async def test_a_client_who_was_moved_is_told_once(notifications):
    """E-15, R-CRS-27, R-CRS-36: by a move or a deletion, whatever is noted of the new pin and how often it is told."""
    await notifications.given_client()
    left, arrived = moved("course-1", "course-2")
    await notifications.deliver(a_pin(), left, arrived, arrived)
    noted = arrived.pin.model_copy(update={"attended": (1,)})
    await notifications.deliver(ParticipationNoted(version=4, pin=noted), left, arrived)
    await notifications.send_all()
    [sms] = notifications.sms()
    assert "siirretty toiselle kurssille" in sms
    assert len(await notifications.sent("place-moved")) == 1


async def test_who_is_moved_again_before_the_message_left_is_told_of_the_last_move_only(notifications):
    """R-CRS-29: and of each move where the message had left; a message that is still true is not taken back."""
    await notifications.given_client()
    await notifications.deliver(a_pin(), *moved("course-1", "course-2"), *moved("course-2", "course-1", 4))
    assert await notifications.states("place-moved") == ["cancelled", "waiting"]
    await notifications.send_all()
    await notifications.deliver(*moved("course-1", "course-2", 6))
    noted = moved("course-1", "course-2", 6)[1].pin.model_copy(update={"attended": (1,)})
    await notifications.deliver(ParticipationNoted(version=8, pin=noted))
    await notifications.send_all()
    assert await notifications.states("place-moved") == ["cancelled", "sent", "sent"]


@pytest.mark.parametrize("news", [revoked(), unpinned(version=4, course_id="course-2")], ids=["decision", "pin"])
async def test_who_lost_the_place_is_not_told_of_the_move_to_it(notifications, news):
    """E-21: whichever news of the revocation comes first."""
    await notifications.deliver(a_decision(), a_pin(), *moved("course-1", "course-2"), news)
    assert await notifications.states("place-moved") == ["cancelled"]


async def test_news_of_a_pin_that_come_too_late_change_nothing(notifications):
    """Newer version wins: the end of the old pin, heard after the new one, takes no message back."""
    left, arrived = moved("course-1", "course-2")
    await notifications.deliver(a_course(CourseConfirmed, course_id="course-2"), arrived, left, a_pin())
    assert await notifications.states("place-moved") == ["waiting"]
    assert await notifications.states("course-confirmed") == ["waiting"]


async def test_a_client_pinned_anew_is_not_told_of_a_move(notifications):
    """Who was unpinned and pinned again was not moved."""
    again = a_pin(ClientPinned, 3, course_id="course-2")
    await notifications.deliver(a_pin(), unpinned(reason=ReleaseReason.PROVIDER), again)
    assert await notifications.states("place-moved") == []


@pytest.mark.parametrize("order", ["pin first", "confirmation first"])
async def test_a_pinned_client_of_a_confirmed_course_is_told(notifications, order):
    """R-CRS-18, whichever of pin and confirmation comes second."""
    await notifications.given_client()
    pin, confirmed = a_pin(), a_course(CourseConfirmed, 2)
    await notifications.deliver(*([pin, confirmed] if order == "pin first" else [confirmed, pin]))
    began = a_course(CourseBegan, 3, state=CourseState.RUNNING)
    await notifications.deliver(began)
    await notifications.send_all()
    [sms] = notifications.sms()
    assert "vahvistettu" in sms
    assert len(await notifications.sent("course-confirmed")) == 1


async def test_older_news_of_a_course_changes_nothing(notifications):
    """Newer version wins: a late 'published' does not take the confirmation back."""
    await notifications.given_client()
    await notifications.deliver(a_course(CourseConfirmed, 5), a_course(CoursePublished, 2), a_pin())
    assert await notifications.states("course-confirmed") == ["waiting"]


async def test_a_client_moved_before_the_message_left_is_told_of_the_new_course_only(notifications):
    """R-CRS-27: what is no longer true is not sent."""
    await notifications.deliver(a_decision(), a_course(CourseConfirmed), a_pin())
    await notifications.deliver(a_course(CourseConfirmed, course_id="course-2"), a_pin(version=2, course_id="course-2"))
    assert await notifications.states("course-confirmed") == ["cancelled", "waiting"]


async def test_a_client_off_the_course_is_not_told_that_it_takes_place(notifications):
    await notifications.deliver(a_decision(), a_course(CourseConfirmed), a_pin())
    await notifications.deliver(unpinned(reason=ReleaseReason.PROVIDER))
    assert await notifications.states("course-confirmed") == ["cancelled"]


async def test_an_ended_pin_gets_no_confirmation(notifications):
    await notifications.deliver(a_decision(), a_pin(), a_pin(version=2, state=PinState.FULFILLED))
    await notifications.deliver(a_course(CourseConfirmed, 2))
    assert await notifications.states("course-confirmed") == []


async def test_an_application_that_waits_for_the_quota_is_told_so_unless_it_is_decided_first(notifications):
    """E-54."""
    await notifications.deliver(
        a_decision(DecisionAwaitsQuota, decision_ref="D-1"), await notifications.a_contact("D-1")
    )
    await notifications.deliver(a_decision(DecisionAwaitsQuota, decision_ref="D-2"))
    await notifications.send_all()
    await notifications.deliver(a_decision(version=2, decision_ref="D-2"), await notifications.a_contact("D-2"))
    await notifications.send_all()
    assert await notifications.states("application-waits") == ["sent", "cancelled"]
    assert len(notifications.sms()) == 1


async def test_providers_of_the_service_learn_of_a_quota_and_of_its_filling(notifications):
    """R-DEC-14: taken into use, and full."""
    await notifications.deliver(a_service(), a_contract(), a_contract(contract_id="c-2", provider_id=OTHER_PROVIDER))
    await notifications.deliver(a_contract(contract_id="c-3", provider_id="3333333-8", service="RHEUMA_ADULT"))
    await notifications.deliver(a_quota(), a_quota(version=2, used=700))
    for provider_id in (PROVIDER, OTHER_PROVIDER):
        [line] = await notifications.inbox(provider_id)
        assert "930" in line["text"]
        assert "Sydänkurssi" in line["text"]
    assert await notifications.inbox("3333333-8") == []
    await notifications.deliver(a_quota(QuotaFilled, 3, used=930), a_quota(QuotaReopened, 4, used=930, limit=940))
    await notifications.deliver(a_quota(QuotaFilled, 5, used=940, limit=940))
    told = ["quota-full", "quota-in-use", "quota-full", "quota-in-use"]
    assert sorted(templates(await notifications.inbox())) == sorted(told)


async def test_a_contract_we_hear_of_late_still_gets_the_quota_news(notifications):
    """E-67: the contract and the quota come on different topics."""
    await notifications.deliver(a_quota(QuotaFilled, used=930), a_contract())
    assert sorted(templates(await notifications.inbox())) == ["quota-full", "quota-in-use"]
    await notifications.deliver(a_contract(version=2), a_contract(version=3))
    assert len(await notifications.inbox()) == 2


async def test_a_provider_whose_contract_has_ended_hears_of_no_quota(notifications):
    """E-45: the copy takes the new last day, and older news of the contract does not lift it."""
    ended = a_contract(valid_to=date(2023, 12, 31)).contract
    await notifications.deliver(ContractValidityChanged(version=2, contract=ended), a_contract(), a_quota())
    assert await notifications.inbox() == []


async def test_a_suspension_without_a_quota_stops_too(notifications):
    """A quota-full signal from outside (design: Quotas)."""
    await notifications.deliver(a_contract(), a_quota(QuotaFilled, limit=None, suspended=True))
    assert templates(await notifications.inbox()) == ["quota-full"]


async def test_a_full_count_is_a_line_in_the_providers_own_inbox(notifications):
    """E-9, R-DEC-4: neutral, once per announced figure, nobody else sees it."""
    await notifications.deliver(a_full_count(), a_full_count(2), a_full_count(3, announced=30, used=30))
    lines = await notifications.inbox()
    assert templates(lines) == ["count-full", "count-full"]
    assert "30" in lines[0]["text"]
    assert await notifications.inbox(OTHER_PROVIDER) == []


def a_decided_change(**differences):
    given = {
        "request_id": "request-1",
        "provider_id": PROVIDER,
        "kind": ChangeKind.SUBCONTRACTOR_ADDED,
        "state": ChangeState.APPROVED,
        "effective_from": date(2024, 3, 1),
        "registration_id": "registration-1",
    }
    return ChangeRequestDecided(version=2, request=ChangeRequest(**{**given, **differences}))


async def test_a_provider_is_told_what_became_of_a_change_that_needed_approval(notifications):
    """R-REG-5: subcontractor change approved or rejected; repeated news is told once."""
    approved = a_decided_change()
    rejected = a_decided_change(request_id="request-2", state=ChangeState.REJECTED)
    await notifications.deliver(approved, approved, rejected)
    lines = await notifications.inbox()
    assert templates(lines) == ["change-decided", "change-decided"]
    assert "ei ole hyväksynyt muutosta: uusi alihankkija. Entinen jää voimaan." in lines[0]["text"]
    assert "on hyväksynyt muutoksen: uusi alihankkija. Muutos on voimassa alkaen 1.3.2024" in lines[1]["text"]
    assert await notifications.inbox(OTHER_PROVIDER) == []


async def test_a_swedish_provider_is_told_of_its_change_in_swedish(notifications):
    await notifications.deliver(a_contract(language=Language.SV), a_decided_change())
    [line] = await notifications.inbox()
    assert "1.3.2024" in line["text"]
    assert "FPA" in line["text"]


async def test_a_provider_sees_its_own_inbox_only(notifications):
    """Row-level security: the second wall. SMS to clients are in nobody's inbox."""
    await notifications.given_client()
    await notifications.deliver(a_decision(decision_ref="D-2", provider_id=OTHER_PROVIDER))
    await notifications.deliver(a_course(CourseConfirmed), a_pin())
    assert [line["decision_ref"] for line in await notifications.inbox(PROVIDER)] == ["D-1"]
    assert [line["decision_ref"] for line in await notifications.inbox(OTHER_PROVIDER)] == ["D-2"]
    answer = await notifications.officer.get("/messages")
    assert sorted(templates(answer.json()["items"])) == ["course-confirmed", "decision-received", "decision-received"]


async def test_lists_continue_where_they_ended(notifications):
    for number in range(5):
        await notifications.deliver(a_decision(decision_ref=f"D-{number}"))
    http = notifications.service.http(Role.PROVIDER, PROVIDER)
    seen, after = [], None
    for _ in range(3):
        page = (await http.get("/messages", params={"limit": 2} | ({"after": after} if after else {}))).json()
        seen += [line["decision_ref"] for line in page["items"]]
        after = page["next"]
    assert seen == ["D-4", "D-3", "D-2", "D-1", "D-0"]
    assert after is None


async def test_statistics_count_what_happened(notifications):
    await notifications.given_client()
    await notifications.deliver(a_course(CourseConfirmed), a_pin())
    before = (await notifications.officer.get("/statistics")).json()
    assert before["waiting"] == 1
    await notifications.send_all()
    after = (await notifications.officer.get("/statistics")).json()
    assert after["waiting"] == 0
    sms = {"template": "course-confirmed", "channel": "sms", "state": "sent", "messages": 1}
    assert sms in after["messages"]
    refused = await notifications.service.http(Role.PROVIDER, PROVIDER).get("/statistics")
    assert refused.status_code == 403


async def test_previews_show_every_sms_in_both_languages_to_anybody(notifications):
    """R-FBK-8: providers can show clients what Kela's SMS look like; marked as ours."""
    previews = (await notifications.public.get("/sms-previews")).json()["items"]
    feedback = [p for p in previews if p["template"] == "feedback"]
    assert {p["language"] for p in feedback} == {"fi", "sv"}
    assert len(previews) == 2 * len(CLIENT_TEMPLATES)
    assert {p["template"] for p in previews} == set(CLIENT_TEMPLATES)
    assert all((p["sender"], p["source"], p["segments"]) == ("Kela", "demo", 1) for p in previews)
