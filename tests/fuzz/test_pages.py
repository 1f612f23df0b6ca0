"""Whatever is asked of a page, or sent by a form, is answered by a page or a refusal that says why; never a failure."""

import pytest

from chassis.auth import Role
from services.courses.app import SERVICE as COURSES
from services.decisions.app import SERVICE as DECISIONS
from services.gateway.app import SERVICE as GATEWAY
from services.notifications.app import SERVICE as NOTIFICATIONS
from services.search.app import SERVICE as SEARCH
from tests.campaigns import SEED
from tests.decision_refs import a_decision_ref
from tests.fuzz.fuzzing import EXAMPLES
from tests.fuzz.pages import Page, Reader, fuzz_pages, pages_of
from tests.fuzz.scenes import notifications, search
from tests.fuzz.scenes.gateway import in_front_of
from tests.gateway.builders import PROVIDER, create_course, csrf_of, hidden, tell_courses

pytestmark = pytest.mark.campaign("fuzz")

CLIENTS = 12


async def reader_of(gateway, role: Role | None) -> Reader:
    if role is None:
        return Reader(gateway.browser())
    browser = await gateway.signed_in(role, PROVIDER if role is Role.PROVIDER else "")
    return Reader(browser, await csrf_of(browser))


async def test_pages_and_forms_are_answered_by_pages(new_service, record_property):
    """R-SRCH, R-CRS-8, R-FBK-2: no failure, the language asked for, nothing unescaped, no identity code (E-59)."""
    behind = {each.name: await new_service(each) for each in (SEARCH, COURSES, DECISIONS, NOTIFICATIONS)}
    gateway = in_front_of(await new_service(GATEWAY), behind)
    found = await search.values_of(behind["search"]) | await notifications.values_of(behind["notifications"])
    await tell_courses(behind["courses"], decisions=CLIENTS)
    values = found | {
        "course_id": [await create_course(behind["courses"]) for _ in range(6)],
        "command": ["publication", "confirmation", "pins", "released-pins"],
        "decision_ref": [a_decision_ref(number) for number in range(1, CLIENTS + 1)],
        "done": ["published", "pinned"],
        "key": [f"key-of-a-form-{number}" for number in range(10 * EXAMPLES)],
        "lang": ["fi", "sv", "en", "de"],
        "provider_id": [PROVIDER, "1572860-0", PROVIDER.replace("-", "–")],
        "reason": ["Sairastui.", ""],
        "role": ["provider", "officer", "system", "nobody"],
        "service": [*behind, *found["service"]],
        "year": [2024, 2025],
        **{f"statement-{number}": range(1, 6) for number in range(1, 20)},
    }
    staying = [await reader_of(gateway, role) for role in (None, Role.PROVIDER, Role.OFFICER)]

    async def readers(page: Page) -> list[Reader]:
        """Who signs in or out is somebody else after that; who changes something waits for others to know of it."""
        if page.path == "/sign-in":
            browser = gateway.browser()
            return [Reader(browser, hidden(await browser.get("/sign-in"), "csrf"))]
        if page.method == "POST" and page.path.startswith(("/sign-out", "/provider")):
            return [await reader_of(gateway, Role.PROVIDER)]
        return [*staying, *staying[1:2] * 3] if page.path.startswith("/provider") else staying

    played = await fuzz_pages(pages_of(gateway.app), readers, values, EXAMPLES, SEED)
    record_property("figures", f"pages: {played}")
    assert not played.found, "\n".join(played.found)
    assert played.reached >= 0.5, played.unreached
