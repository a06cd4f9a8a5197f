import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from studio.engine.deform import zones as zn
from studio.engine.deform.attention import BiasedAttention, raar_loss

MODALITIES = zn.token_modalities(17)
TOKENS = len(MODALITIES)
AT = torch.tensor(MODALITIES)


def _layer(**settings):
    torch.manual_seed(3)
    return BiasedAttention(MODALITIES, **settings)


def _queries(n=60):
    torch.manual_seed(4)
    return torch.randn(n, 64), torch.randn(TOKENS, 64), torch.arange(n) % 3


def test_is_softmax_attention_with_the_bias_of_each_zone():
    layer, (queries, keys, zones) = _layer(), _queries()
    weights = layer.weights(queries, keys, zones)
    values = torch.randn(2, TOKENS, 64)
    mixed = layer.mix(weights, layer.contributions(values))
    for i, head in ((0, 0), (31, 1), (59, 0)):
        part = slice(32 * head, 32 * head + 32)
        q, k = layer.query(queries[i])[part], layer.key(keys)[:, part]
        bias = torch.stack([layer.bias[zones[i], m, head] for m in MODALITIES])
        assert torch.allclose(weights[i, head], (k @ q / 32**0.5 + bias).softmax(0), atol=1e-6)
    for i in (5, 40):
        heads = torch.cat([weights[i, h] @ layer.value(values[1])[:, 32 * h : 32 * h + 32] for h in (0, 1)])
        assert torch.allclose(mixed[1, i], layer.out(heads), atol=1e-5)


def test_suppressed_modalities_start_weak():
    layer, (queries, keys, zones) = _layer(), _queries(300)
    mean = layer.weights(queries, keys, zones).mean(1)
    for zone, modality in zn.SUPPRESSED:
        tokens = modality == AT
        suppressed = mean[zones == zone][:, tokens].mean()
        free = mean[zones == zn.ZONE_SYNERGY][:, tokens].mean()
        assert suppressed < free / 10


def test_without_bias_zones_do_not_matter():
    layer, (queries, keys, zones) = _layer(biased=False), _queries()
    assert torch.equal(layer.weights(queries, keys, zones), layer.weights(queries, keys, zones.roll(1)))
    assert not layer.bias.requires_grad


@given(st.integers(0, 2), st.integers(0, 4), st.floats(-8, 8))
def test_bias_is_never_positive(zone, modality, value):
    layer = _layer()
    with torch.no_grad():
        layer.bias[zone, modality] = value
    assert (layer.region_bias() <= 0).all()
    assert layer.region_bias()[zone, modality, 0].item() == pytest.approx(min(value, 0.0), abs=1e-6)


def test_bias_at_its_bound_can_still_fall_but_not_rise():
    layer = _layer()
    with torch.no_grad():
        layer.bias.fill_(0.5)
    layer.region_bias().sum().backward()
    assert (layer.bias.grad == 1).all()
    layer.bias.grad = None
    (-layer.region_bias()).sum().backward()
    assert (layer.bias.grad == 0).all()


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="64"):
        BiasedAttention(MODALITIES, 64, 3)


def _attention(upper_audio, upper_au, mouth_audio, mouth_au):
    """(4, 2, M) attention of two upper-face and two mouth Gaussians with given sums per modality."""
    weights = torch.zeros(4, 2, TOKENS)
    weights[:2, :, AT == zn.AUDIO] = upper_audio
    weights[:2, :, AT == zn.AU_UPPER] = upper_au / 8
    weights[2:, :, AT == zn.AUDIO] = mouth_audio
    weights[2:, :, AT == zn.AU_UPPER] = mouth_au / 8
    zones = torch.tensor([zn.ZONE_UPPER] * 2 + [zn.ZONE_MOUTH] * 2)
    return weights, zones, AT


def test_raar_is_a_hinge_on_mean_attention_per_region():
    assert raar_loss(*_attention(0.1, 0.6, 0.6, 0.1)) == 0
    assert raar_loss(*_attention(0.3, 0.4, 0.6, 0.1)).item() == pytest.approx(0.1, abs=1e-6)
    assert raar_loss(*_attention(0.1, 0.6, 0.2, 0.5)).item() == pytest.approx(0.5, abs=1e-6)
    assert raar_loss(*_attention(0.3, 0.4, 0.2, 0.5)).item() == pytest.approx(0.6, abs=1e-6)


def test_raar_leaves_lower_face_units_alone():
    weights, zones, modalities = _attention(0.1, 0.6, 0.4, 0.0)
    weights[2:, :, modalities == zn.AU_LOWER] = 0.6 / 9
    assert raar_loss(weights, zones, modalities) == 0


def test_raar_of_a_head_without_mouth_counts_the_rest():
    weights, zones, modalities = _attention(0.3, 0.4, 0.0, 0.0)
    assert raar_loss(weights[:2], zones[:2], modalities).item() == pytest.approx(0.1, abs=1e-6)


def test_raar_pushes_attention_to_the_right_modality():
    layer, (queries, keys, zones) = _layer(biased=False), _queries(60)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.01)
    losses = []
    for _ in range(30):
        loss = raar_loss(layer.weights(queries, keys, zones), zones, AT)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
