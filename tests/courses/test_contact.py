"""Contact details: the contract's until the provider says otherwise."""

from contracts.courses import CourseChanged
from contracts.registration import Contact, ContactChanged
from tests.courses.builders import a_contract, expect, refusal
from tests.courses.consistency import assert_consistent

OFFICIAL = Contact(email="kuntoutus@sydankunto.fi", phone="+358171234567", web="https://www.sydankunto.fi")
NEWER = Contact(email="kurssit@sydankunto.fi", phone="+358171234568")
OWN = {"email": "kevat@sydankunto.fi", "phone": "017 1234569", "web": None}


def contact_changed(contact, version):
    counts = a_contract().announced_counts
    return ContactChanged(version=version, contract=a_contract(contact=contact, announced_counts=counts))


async def test_a_course_shows_its_contracts_contact_until_it_has_its_own(courses):
    """R-REG-10, E-43: linked, so a change at the registration is seen; overridden, it is not."""
    course = await courses.a_course()
    assert (course["contact"], course["contact_linked"]) == (None, True)
    await courses.know(contact_changed(OFFICIAL, version=2))
    assert (await courses.get(course))["contact"] == OFFICIAL.model_dump()
    own = expect(200, await courses.put(course, "contact", **OWN))
    assert (own["contact"], own["contact_linked"]) == (OWN | {"phone": "+358171234569"}, False)
    await courses.know(contact_changed(NEWER, version=3))
    assert (await courses.get(course))["contact"] == own["contact"]
    linked = expect(200, await courses.provider.delete(f"/courses/{course['course_id']}/contact"))
    assert (linked["contact"], linked["contact_linked"]) == (NEWER.model_dump(), True)
    [listed] = expect(200, await courses.provider.get("/courses"))["items"]
    assert listed == linked


async def test_others_see_only_what_the_course_overrides(courses):
    """E-43: a linked course says nothing; its contract's contact is known from the contract."""
    course = await courses.a_course()
    await courses.know(contact_changed(OFFICIAL, version=2))
    for _ in range(2):
        expect(200, await courses.put(course, "contact", **OWN))
    for _ in range(2):
        expect(200, await courses.provider.delete(f"/courses/{course['course_id']}/contact"))
    contacts = [event.course.contact for event in await courses.service.published(CourseChanged)]
    assert contacts == [Contact(email="kevat@sydankunto.fi", phone="+358171234569"), None]
    await assert_consistent(courses.service)


async def test_contact_details_are_checked_as_at_the_registration(courses):
    """R-REG-10: an address and a number that can be right."""
    course = await courses.a_course()
    assert refusal(await courses.put(course, "contact", **OWN | {"phone": "12345"}), 422)[0] == "PHONE_INVALID"
    assert refusal(await courses.put(course, "contact", **OWN | {"email": "kevät"}), 422)[0] == "EMAIL_INVALID"
    assert (
        refusal(await courses.put(course, "contact", **OWN | {"web": "ftp://sydankunto.fi"}), 422)[0] == "WEB_INVALID"
    )
    for wrong in ({"phone": None}, {"name": "Maija"}):
        assert refusal(await courses.put(course, "contact", **OWN | wrong), 422)[0] == "VALIDATION"
    assert (await courses.get(course))["contact_linked"] is True


async def test_an_older_contact_that_arrives_late_changes_nothing(courses):
    """E-67: the newer version wins, whatever the order of arrival."""
    course = await courses.a_course()
    await courses.know(contact_changed(NEWER, version=3), contact_changed(OFFICIAL, version=2))
    assert (await courses.get(course))["contact"] == NEWER.model_dump()
