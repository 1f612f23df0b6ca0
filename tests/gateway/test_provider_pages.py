"""A provider's pages with the real courses and notifications services behind them."""

import pytest

from chassis.auth import Role
from contracts.decisions import DecisionGranted
from services.decisions.app import SERVICE as DECISIONS
from services.notifications.app import SERVICE as NOTIFICATIONS
from services.search.app import SERVICE as SEARCH
from tests.decision_refs import a_decision_ref
from tests.gateway.builders import (
    OTHER_PROVIDER,
    a_decision,
    a_description_event,
    create_course,
    hidden,
    tell_search,
)


async def form_of(browser, course_id):
    page = await browser.get(f"/provider/courses/{course_id}")
    return {"csrf": hidden(page, "csrf"), "key": hidden(page, "key")}


async def test_a_provider_publishes_pins_and_confirms(gateway, courses):
    course_id = await create_course(courses)
    browser = await gateway.provider()
    here = f"/provider/courses/{course_id}"
    listed = await browser.get("/provider")
    assert here in listed.text
    assert a_decision_ref(1) in listed.text

    published = await browser.post(f"{here}/publication", data=await form_of(browser, course_id))
    assert published.headers["location"] == f"{here}?done=published"
    assert "visible in the search" in (await browser.get(published.headers["location"])).text

    for number in range(1, 6):
        form = {**await form_of(browser, course_id), "decision_ref": a_decision_ref(number)}
        assert (await browser.post(f"{here}/pins", data=form)).status_code == 303
    page = await browser.get(here)
    assert "The course may be confirmed once at least 6 clients are pinned." in page.text

    refused = await browser.post(f"{here}/confirmation", data=await form_of(browser, course_id))
    assert refused.status_code == 409
    assert "Now 5 are." in refused.text

    form = {**await form_of(browser, course_id), "decision_ref": a_decision_ref(6)}
    await browser.post(f"{here}/pins", data=form)
    confirmed = await browser.post(f"{here}/confirmation", data=await form_of(browser, course_id))
    assert confirmed.headers["location"] == f"{here}?done=confirmed"
    assert "Confirmed" in (await browser.get(here)).text


async def test_a_form_sent_twice_counts_once_and_a_client_can_be_taken_off(gateway, courses):
    course_id = await create_course(courses)
    browser = await gateway.provider()
    here = f"/provider/courses/{course_id}"
    await browser.post(f"{here}/publication", data=await form_of(browser, course_id))
    form = {**await form_of(browser, course_id), "decision_ref": a_decision_ref(1)}
    answers = [await browser.post(f"{here}/pins", data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    off = {**await form_of(browser, course_id), "decision_ref": a_decision_ref(1)}
    assert (await browser.post(f"{here}/released-pins", data=off)).headers["location"] == f"{here}?done=unpinned"
    assert "No clients are pinned to this course." in (await browser.get(here)).text


async def test_a_client_leaves_a_course_that_has_had_to_be_run_with_a_reason(gateway, courses):
    """E-33: the page asks why, and Kela is told."""
    course_id = await create_course(courses)
    browser = await gateway.provider()
    here = f"/provider/courses/{course_id}"
    await browser.post(f"{here}/publication", data=await form_of(browser, course_id))
    await browser.post(f"{here}/pins", data={**await form_of(browser, course_id), "decision_ref": a_decision_ref(1)})
    assert "Why does the client leave?" not in (await browser.get(here)).text
    async with courses.transaction() as tx:
        await tx.execute("UPDATE courses SET must_run_since = '2024-01-15'")
    assert "Why does the client leave?" in (await browser.get(here)).text
    off = {**await form_of(browser, course_id), "decision_ref": a_decision_ref(1)}
    refused = await browser.post(f"{here}/released-pins", data=off)
    assert (refused.status_code, "Say why the client leaves it" in refused.text) == (409, True)
    off = {**await form_of(browser, course_id), "decision_ref": a_decision_ref(1), "reason": "moves to Oulu"}
    assert (await browser.post(f"{here}/released-pins", data=off)).headers["location"] == f"{here}?done=unpinned"


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (a_decision_ref(1)[:-1] + ("A" if a_decision_ref(1)[-1] != "A" else "B"), "its check character does not fit"),
        ("D1", "it has thirteen letters and digits"),
        ("", "it has thirteen letters and digits"),
    ],
)
async def test_an_identifier_with_a_slip_is_refused_with_the_reason_and_releases_nobody(
    gateway, courses, written, reason
):
    course_id = await create_course(courses)
    browser = await gateway.provider()
    here = f"/provider/courses/{course_id}"
    await browser.post(f"{here}/publication", data=await form_of(browser, course_id))
    pin = {**await form_of(browser, course_id), "decision_ref": a_decision_ref(1)}
    await browser.post(f"{here}/pins", data=pin)
    off = {**await form_of(browser, course_id), "decision_ref": written}
    refused = await browser.post(f"{here}/released-pins", data=off)
    assert (refused.status_code, reason in refused.text) == (422, True)
    assert a_decision_ref(1) in (await browser.get(here)).text
    other = await browser.post(f"{here}/no-such-command", data=await form_of(browser, course_id))
    assert other.status_code == 404


async def test_nothing_changes_without_the_form_token(gateway, courses):
    course_id = await create_course(courses)
    browser = await gateway.provider()
    answer = await browser.post(f"/provider/courses/{course_id}/publication", data={"csrf": "x"})
    assert answer.status_code == 403
    assert "Created" in (await browser.get(f"/provider/courses/{course_id}")).text


async def test_another_providers_course_does_not_exist(gateway, courses):
    course_id = await create_course(courses)
    stranger = await gateway.provider(OTHER_PROVIDER)
    assert (await stranger.get(f"/provider/courses/{course_id}")).status_code == 404
    form = {"csrf": (await stranger.get("/session")).json()["csrf_token"]}
    assert (await stranger.post(f"/provider/courses/{course_id}/publication", data=form)).status_code == 404
    assert course_id not in (await stranger.get("/provider")).text


async def test_an_unknown_command_is_not_found(gateway, courses):
    course_id = await create_course(courses)
    browser = await gateway.provider()
    form = await form_of(browser, course_id)
    assert (await browser.post(f"/provider/courses/{course_id}/deletion", data=form)).status_code == 404


async def test_the_inbox_shows_what_the_system_told(gateway, new_service):
    notifications = await new_service(NOTIFICATIONS)
    gateway.put_behind(notifications)
    await notifications.deliver(a_description_event(), DecisionGranted(version=1, decision=a_decision()))
    page = await (await gateway.provider()).get("/provider/messages")
    assert a_decision_ref(1) in page.text
    assert "15 January 2024, 10:00" in page.text
    assert "No messages." in (await (await gateway.provider(OTHER_PROVIDER)).get("/provider/messages")).text


async def test_kela_sees_estimates_quotas_and_their_use(gateway, new_service):
    decisions, search = await new_service(DECISIONS), await new_service(SEARCH)
    await decisions.deliver(a_description_event())
    await tell_search(search)
    gateway.put_behind(decisions, search)
    api = decisions.http(Role.OFFICER)
    assert (await api.put("/estimates/CARDIAC_ADULT/2024", json={"estimate": 930})).is_success
    assert (await api.put("/quotas/CARDIAC_ADULT/2024", json={"limit": 0})).is_success
    assert (await api.put("/quotas/CARDIAC_ADULT/2024?area=08&language=sv", json={"limit": 5})).is_success
    officer = await gateway.signed_in(Role.OFFICER)
    page = await officer.get("/officer")
    assert "Heart course" in page.text
    assert "930" in page.text
    assert "Quota full" in page.text
    assert "Heart course, Pirkanmaan hyvinvointialue, Swedish" in page.text
    assert "no quota" in (await officer.get("/officer?year=2025")).text
