"""The demo's side of `Rekku-Known`: what a later command elsewhere has to wait for."""

from rekku.demo.api import newest
from rekku.demo.commands import client_of, phone_of


def test_each_subject_is_known_once_at_its_newest_version():
    said = ["pin:A@1, course:7@3", "course:7@12", "course:8@1", "course:7@4", ""]
    assert newest(said) == ["pin:A@1", "course:7@12", "course:8@1"]


def test_a_phone_number_leads_back_to_its_client():
    assert phone_of("client-0042") == "+358501000042"
    assert client_of(phone_of("client-2250")) == "client-2250"
