"""The municipalities of 2026 (section 9, E-48)."""

import pytest

from contracts.municipalities import areas, find_municipality, get_municipality, municipalities, successors
from contracts.refusals import Invalid


def test_there_are_308_of_today_and_every_dissolved_one_leads_to_one_of_them():
    """Section 9."""
    assert len(municipalities()) == 308
    assert {"091", "297", "478", "599"} <= set(municipalities())
    assert set(successors().values()) <= set(municipalities())
    assert not set(successors()) & set(municipalities())


def test_each_lies_in_an_area():
    """21 wellbeing services counties, Helsinki and Åland."""
    assert {municipality.area for municipality in municipalities().values()} == set(areas())
    assert len(areas()) == 23
    assert areas()["90"] == {"fi": "Helsingin kaupunki", "sv": "Helsingfors stad", "en": "Helsingin kaupunki"}


def test_the_code_of_a_dissolved_one_is_its_successors():
    """E-48: Pertunmaa is Mäntyharju."""
    assert find_municipality("588") is find_municipality("507") is get_municipality("588")
    assert find_municipality("000") is None
    with pytest.raises(Invalid, match="MUNICIPALITY_UNKNOWN") as refused:
        get_municipality("000")
    assert refused.value.values == {}
