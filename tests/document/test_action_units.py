from __future__ import annotations

from studio.document.action_units import ACTION_UNITS, AU_INDEX, AU_KEYS, FACS_MARKS, LOWER, REGIONS, UPPER


def test_the_channel_order_is_upper_face_then_lower_face_in_numeric_order() -> None:
    numbers = [au.number for au in ACTION_UNITS]
    assert numbers == [1, 2, 4, 5, 6, 7, 9, 45, 10, 12, 14, 15, 17, 20, 23, 25, 26]
    assert tuple(range(8)) == UPPER
    assert tuple(range(8, 17)) == LOWER
    assert AU_KEYS[AU_INDEX["AU45"]] == "AU45"


def test_opposites_are_mutual_and_all_relations_point_into_the_catalogue() -> None:
    by_number = {au.number: au for au in ACTION_UNITS}
    for au in ACTION_UNITS:
        assert au.number not in (*au.opposites, *au.partners)
        for other in au.opposites:
            assert au.number in by_number[other].opposites
        assert set(au.partners) <= set(by_number)


def test_every_unit_is_explained_and_belongs_to_a_shown_region() -> None:
    titles = dict(REGIONS)
    for au in ACTION_UNITS:
        assert au.region in titles
        assert au.effect.endswith(".")
        assert au.muscles


def test_openface_columns_have_two_digits() -> None:
    assert ACTION_UNITS[0].openface_column == "AU01_r"
    assert ACTION_UNITS[7].openface_column == "AU45_r"


def test_facs_marks_go_from_a_to_e() -> None:
    assert "".join(FACS_MARKS) == "ABCDE"
