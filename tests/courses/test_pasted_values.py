"""A decision identifier is one client's, however it is pasted; a slip in it is refused before anything is looked up."""

from tests.courses.builders import a_consent, expect, refusal


async def test_a_pasted_decision_identifier_pins_moves_and_releases_its_client(courses):
    """R-DEC-19, R-DEC-20, R-CRS-10: lower case, groups, hyphens, no-break spaces, full width."""
    here, there = await courses.a_course(), await courses.a_course()
    decision = await courses.grant()
    ref = decision.decision_ref
    pasted = f"{ref[:4].lower()}\u00a0{ref[4:8]}\u2011{ref[8:]}\u200b"
    pin = expect(201, await courses.provider.post(f"/courses/{here['course_id']}/pins", json={"decision_ref": pasted}))
    assert pin["decision_ref"] == ref
    again = await courses.provider.post(f"/courses/{here['course_id']}/pins", json={"decision_ref": ref})
    assert again.status_code == 200
    plan = {"transfers": {pasted: {"to_course_id": there["course_id"], "consent": a_consent()}}}
    expect(200, await courses.delete(here, **plan))
    [moved] = await courses.pins_of(there)
    assert moved["decision_ref"] == ref
    wide = "".join(chr(ord(character) + 0xFEE0) for character in ref)
    released = await courses.provider.delete(f"/courses/{there['course_id']}/pins/{wide}")
    assert expect(200, released)["state"] == "released"
    assert len(expect(200, await courses.officer.get(f"/decisions/{pasted}/pins"))["items"]) == 2


async def test_a_slip_in_a_decision_identifier_has_another_code_than_a_wrong_form(courses):
    """R-DEC-19: and not echoed."""
    course = await courses.a_course()
    ref = (await courses.grant()).decision_ref
    slip = ref[:5] + ("1" if ref[5] == "0" else "0") + ref[6:]
    for wrong, code in ((slip, "DECISION_REF_CHECK_CHARACTER"), (ref[1:], "DECISION_REF_INVALID")):
        for answer in (
            await courses.provider.post(f"/courses/{course['course_id']}/pins", json={"decision_ref": wrong}),
            await courses.provider.delete(f"/courses/{course['course_id']}/pins/{wrong}"),
        ):
            assert refusal(answer, 422)[0] == code
            assert wrong not in answer.text
    assert await courses.pins_of(course) == []


async def test_one_client_named_twice_in_two_spellings_is_refused(courses):
    """Else the last of the two transfers would be taken; one spelling is the control."""
    course, there, elsewhere = await courses.a_course(pinned=1), await courses.a_course(), await courses.a_course()
    [pin] = await courses.pins_of(course)
    ref = pin["decision_ref"]
    transfers = {
        ref: {"to_course_id": there["course_id"], "consent": a_consent()},
        ref.lower(): {"to_course_id": elsewhere["course_id"], "consent": a_consent()},
    }
    code, _ = refusal(await courses.delete(course, transfers=transfers), 422)
    assert code == "VALIDATION"
    assert [each["state"] for each in await courses.pins_of(course)] == ["active"]
    expect(200, await courses.delete(course, transfers={ref.lower(): transfers[ref]}))


async def test_a_reason_is_stored_as_it_is_read(courses):
    """Line breaks are kept, as one; what turns the direction of writing is refused."""
    course = await courses.a_course()
    words = " Tilat\r\neivät ole ka\u0308ytetta\u0308vissa\u0308.\u200b"
    expect(200, await courses.delete(course, reason=words))
    ending = expect(200, await courses.officer.get(f"/courses/{course['course_id']}/ending"))
    assert ending["reason"] == "Tilat\neivät ole käytettävissä."
    other = await courses.a_course()
    for wrong, code in (("\u200b", "TEXT_EMPTY"), ("a\u202eb", "TEXT_BIDIRECTIONAL"), ("x" * 1001, "TEXT_TOO_LONG")):
        assert refusal(await courses.delete(other, reason=wrong), 422)[0] == code


async def test_every_spelling_of_a_decision_identifier_leads_to_its_pin(courses):
    """R-DEC-19, B.7 by the request: lower case, spaces, hyphens and groups, in an address and in a body."""
    course = await courses.a_course()
    ref = (await courses.grant()).decision_ref
    lower = ref.lower()
    for spelt in (
        *(ref, lower, f" {ref} ", f"{ref[:4]} {ref[4:8]} {ref[8:]}", f"{ref[:4]}-{ref[4:8]}-{ref[8:]}"),
        *(f"{lower[:4]}–{lower[4:8]}–{lower[8:]}", "\u00a0".join(ref), f"{ref[:6]}\u200b{ref[6:]}", "-".join(lower)),
    ):
        answer = await courses.provider.post(f"/courses/{course['course_id']}/pins", json={"decision_ref": spelt})
        assert (answer.status_code in (200, 201), answer.json()["decision_ref"]) == (True, ref), spelt
        found = expect(200, await courses.officer.get(f"/decisions/{spelt}/pins"))
        assert [pin["decision_ref"] for pin in found["items"]] == [ref], spelt
    assert len(await courses.pins_of(course)) == 1
