"""One client's whole path through every service, as the issue tells it: steps 1 to 5."""

from datetime import UTC, datetime

from contracts.courses import ClientPinned, ClientUnpinned
from contracts.values import ReleaseReason
from tests.system.actors import a_business_id, eventually
from tests.system.people import RARE, Client, ProviderOfStory, all_statements, free_places


async def test_a_provider_registers_and_the_rare_course_has_the_known_figures(world):
    wrong = a_business_id()[:-1] + "x"
    stranger = world.kela()
    code, _ = await stranger.refused(
        "POST", "registration", "/providers", {"provider_id": wrong, "name": "Väärä tunnus"}
    )
    assert code == "BUSINESS_ID_INVALID"
    provider = await ProviderOfStory.registered(world)
    described = await world.public().get("registration", f"/service-descriptions/{RARE}")
    assert (described["group_min"], described["group_max"]) == (6, 12)
    assert (described["confirm_min"], described["must_run_at"]) == (6, 7)
    assert (described["confirm_within_months"], described["total_duration_months"]) == (6, 9)
    assert described["move_notice_days"] == 30
    assert len(described["target_groups"]) == 3
    assert described["sources"]["group_min"] == "seed"
    contract = await provider.me.get("registration", f"/contracts/{provider.contract_id}")
    assert [(year["year"], year["announced"]) for year in contract["years"]] == [(2024, 24)]


async def test_a_published_course_is_in_the_search_at_once_and_takes_places_of_the_ledger(world):
    provider = await ProviderOfStory.registered(world, announced=18)
    code, figures = await provider.me.refused("POST", "courses", "/courses", provider.course(group_size=13))
    assert (code, figures["group_max"]) == ("GROUP_SIZE_OUT_OF_RANGE", 12)
    course = await provider.publish_course(group_size=12)
    assert await free_places(world, course) == 12
    found = await world.public().get("search", "/offices", municipality="Kuopio", service=RARE, age=50, language="fi")
    assert course["course_number"] in [c["course_number"] for item in found["items"] for c in item["courses"]]
    code, figures = await provider.me.refused("POST", "courses", "/courses", provider.course(group_size=7))
    assert (code, figures["free"]) == ("PLACE_LEDGER_FULL", 6)


async def test_a_clients_path_from_decision_to_feedback(world, kela):
    provider = await ProviderOfStory.registered(world)
    course = await provider.publish_course(group_size=8)
    clients = [Client() for _ in range(6)]
    for client in clients:
        await kela.note_phone(client)
    decisions = [await kela.grant(client, provider) for client in clients]
    assert {decision["state"] for decision in decisions} == {"granted"}
    assert {decision["confirm_by"] for decision in decisions} == {"2024-07-15"}

    for decision in decisions[:5]:
        await provider.pin(course, decision)
    assert await free_places(world, course) == 3
    code, figures = await provider.me.refused("POST", "courses", f"/courses/{course['course_id']}/confirmation")
    assert (code, figures["pinned"]) == ("CONFIRM_TOO_FEW", 5)
    await provider.pin(course, decisions[5])
    assert (await provider.confirm(course))["state"] == "confirmed"
    assert await free_places(world, course) == 2

    refs = [decision["decision_ref"] for decision in decisions]
    await world.set_clock(datetime(2024, 6, 10, 8, tzinfo=UTC))
    assert (await kela.pay(course["course_id"], 1, refs))["paid"] == refs
    assert (await kela.pay(course["course_id"], 2, refs))["paid"] == refs
    assert (await kela.pay(course["course_id"], 2, refs))["already_paid"] == refs

    async def one_survey_each():
        return all(len(client.survey_links(world.home)) == 1 for client in clients)

    await eventually(one_survey_each)
    for client in clients[:4]:
        await _answer(world, client, stage=0)
    assert await _shown_feedback(world, provider) == (None, "too_few_answers")
    await _answer(world, clients[4], stage=0)

    async def average_is_shown():
        return await _shown_feedback(world, provider) == (4.6, None)

    await eventually(average_is_shown)

    await world.set_clock(datetime(2024, 9, 10, 8, tzinfo=UTC))
    assert (await kela.pay(course["course_id"], 3, refs))["paid"] == refs

    async def two_surveys_each():
        return all(len(client.survey_links(world.home)) == 2 for client in clients)

    await eventually(two_surveys_each)
    await world.at_rest()
    assert all(len(client.survey_links(world.home)) == 2 for client in clients)


async def _answer(world, client, stage):
    """Raw mean 1.4 (1 is best), shown as 4.6: of 15 statements six get a 2."""
    token = client.survey_links(world.home)[stage]
    body = all_statements(1)
    body["answers"] = {str(n): 2 if n <= 6 else 1 for n in range(1, 16)}
    await world.public().post("notifications", f"/surveys/{token}/answers", body)
    code, _ = await world.public().refused("POST", "notifications", f"/surveys/{token}/answers", body)
    assert code == "SURVEY_CLOSED"


async def _shown_feedback(world, provider):
    found = await world.public().get("search", "/offices", municipality="Kuopio", service=RARE, limit=100)
    shown = next(i["feedback"] for i in found["items"] if i["office"]["office_id"] == provider.office_id)
    return shown["average"], shown["reason"]


async def test_a_revoked_decision_frees_the_place_without_anyone_asking(world, kela):
    provider, next_provider = await ProviderOfStory.registered(world), await ProviderOfStory.registered(world)
    course, next_course = await provider.publish_course(), await next_provider.publish_course()
    client = Client()
    await kela.note_phone(client)
    decision = await kela.grant(client, provider)
    await provider.pin(course, decision)
    assert await free_places(world, course) == 11

    await kela.revoke(decision["decision_ref"])
    anew = await kela.grant(client, next_provider)
    assert anew["new_client"] is False
    await next_provider.pin(next_course, anew)

    async def place_is_free_again():
        return await free_places(world, course) == 12

    await eventually(place_is_free_again)
    pins = await provider.me.get("courses", f"/courses/{course['course_id']}/pins")
    assert [(pin["state"], pin["reason"]) for pin in pins["items"]] == [("released", ReleaseReason.DECISION_REVOKED)]
    assert await free_places(world, next_course) == 11

    async def provider_is_told():
        inbox = await provider.me.get("notifications", "/messages")
        return "client-unpinned" in [message["template"] for message in inbox["items"]]

    async def client_is_told():
        return len(client.texts(world.home)) == 1

    async def follow_up_is_closed():
        told = await world.kela().get("decisions", f"/decisions/{decision['decision_ref']}")
        return told["followup"]["open"] is False

    await eventually(provider_is_told)
    await eventually(client_is_told)
    await eventually(follow_up_is_closed)
    unpinned = [e for e in await world.events("rekku.pins", ClientUnpinned) if e.pin.course_id == course["course_id"]]
    pinned = [e for e in await world.events("rekku.pins", ClientPinned) if e.pin.course_id == course["course_id"]]
    assert (len(pinned), len(unpinned)) == (1, 1)
    listed = (await provider.me.get("courses", "/pinnable-clients"))["items"]
    reasons = [listing["reason"] for listing in listed if listing["decision_ref"] == decision["decision_ref"]]
    assert reasons == ["revoked"]
