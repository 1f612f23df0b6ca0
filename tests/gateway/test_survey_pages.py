"""The survey page with the real notifications service behind it."""

from chassis import batch_keys
from tests.notifications.answering import KeyStore


def filled(count, value=2):
    return {f"statement-{number}": str(value) for number in range(1, count + 1)}


async def test_nineteen_statements_each_with_five_choices(gateway, token):
    for language in ("fi", "sv", "en"):
        page = await gateway.browser(language).get(f"/s/{token}")
        assert page.status_code == 200
        assert f'<html lang="{language}">' in page.text
        assert page.text.count("<fieldset") == page.text.count("<legend>") == 19
        assert page.text.count('type="radio"') == 95
        assert "checked" not in page.text


async def test_answers_are_stored_and_thanked_for_once(gateway, notifications, token):
    browser = gateway.browser("fi")
    thanks = await browser.post(f"/survey/{token}", data=filled(19))
    assert thanks.status_code == 200
    assert "Kiitos vastauksestasi" in thanks.text
    again = await browser.post(f"/survey/{token}", data=filled(19))
    assert again.status_code == 410
    assert "Kyselyyn ei voi enää vastata" in again.text
    assert (await browser.get(f"/s/{token}")).status_code == 410


async def test_too_few_answers_keep_what_was_answered_and_lead_to_the_first_gap(gateway, token):
    page = await gateway.browser("en").post(f"/s/{token}", data=filled(12))
    assert page.status_code == 422
    assert '<a href="#statement-13">Answer at least 15 statements. You have answered 12.</a>' in page.text
    assert page.text.count(" checked>") == 12
    assert f'action="/s/{token}"' in page.text


async def test_where_answers_cannot_be_stored_for_the_moment_they_are_not_asked_for_again(
    cluster, gateway, token, monkeypatch
):
    """The key store is away: what was answered stands in the form, to be sent once more."""
    monkeypatch.setattr(batch_keys, "WITHIN_S", 0.05)
    browser, keys = gateway.browser("en"), await KeyStore.of(cluster)
    try:
        async with keys.connection.transaction():
            await keys.connection.execute("LOCK TABLE batch_keys IN ACCESS EXCLUSIVE MODE")
            page = await browser.post(f"/s/{token}", data=filled(19))
    finally:
        await keys.connection.close()
    assert (page.status_code, page.text.count(" checked>")) == (503, 19)
    assert "Try again in a moment. Nothing has been stored." in page.text
    assert (await browser.post(f"/s/{token}", data=filled(19))).status_code == 200


async def test_what_is_not_an_answer_does_not_count_as_one(gateway, token):
    page = await gateway.browser("en").post(f"/s/{token}", data={**filled(19, value=9), "statement-1": "3"})
    assert page.status_code == 422
    assert "You have answered 1." in page.text


async def test_another_site_cannot_send_answers(gateway, token):
    headers = {"sec-fetch-site": "cross-site"}
    page = await gateway.browser("en").post(f"/s/{token}", data=filled(19), headers=headers)
    assert page.status_code == 403
    assert (await gateway.browser("en").get(f"/s/{token}")).status_code == 200


async def test_an_unknown_link_is_explained(gateway, notifications):
    page = await gateway.browser("sv").get("/s/nothing")
    assert page.status_code == 404
    assert "Enkäten hittades inte" in page.text


async def test_the_survey_leaves_no_cookie(gateway, token):
    browser = gateway.browser("fi")
    await browser.get(f"/s/{token}")
    await browser.post(f"/s/{token}", data=filled(19))
    assert dict(browser.cookies) == {}


async def test_the_sms_are_shown_in_advance(gateway, notifications):
    page = await gateway.browser("fi").get("/sms")
    assert "Palautekysely, suomeksi" in page.text
    assert "Palautekysely, ruotsiksi" in page.text
    assert page.text.count('class="phone__bubble" lang="sv"') == 6
    assert "pankkitunnuksia" in page.text
