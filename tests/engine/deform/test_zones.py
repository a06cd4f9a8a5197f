from studio.document.action_units import ACTION_UNITS
from studio.engine.deform import zones as zn


def test_tokens_follow_the_order_of_the_action_units():
    modalities = zn.token_modalities(17)
    assert modalities[0] == zn.AUDIO
    assert modalities[-2:] == (zn.HEAD, zn.NULL)
    expected = [zn.AU_UPPER if au.face == "upper" else zn.AU_LOWER for au in ACTION_UNITS]
    assert list(modalities[1:-2]) == expected


def test_paper_recipe_has_upper_units_only_and_ablation_none():
    assert set(zn.token_modalities(8)[1:-2]) == {zn.AU_UPPER}
    assert zn.token_modalities(0) == (zn.AUDIO, zn.HEAD, zn.NULL)


def test_synergy_zone_is_unconstrained_and_lower_units_may_act_on_the_mouth():
    assert all(zone != zn.ZONE_SYNERGY for zone, _ in zn.SUPPRESSED)
    assert (zn.ZONE_MOUTH, zn.AU_LOWER) not in zn.SUPPRESSED
