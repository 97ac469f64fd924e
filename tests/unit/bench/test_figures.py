"""The benchmark's arithmetic: percentiles, mirrored passes, ratios to the baseline."""

import pytest

from bench.figures import Summary, Visit, mirrored, percentile, summarise


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1), (50, 50), (95, 95), (99, 99), (99.1, 100), (100, 100)]
)
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(
    percent: float, expected: float
) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == expected


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 50) == percentile([7.0], 99) == 7.0


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_passes_are_mirrored() -> None:
    order = list(mirrored("ABC", rounds=2))
    assert "".join(name for _, name in order) == "ABCCBAABCCBA"
    assert [number for number, _ in order] == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3


def test_a_steady_drift_wrongs_nobody() -> None:
    """Each later visit is one slower: the sums over a round are the same for all."""
    slowness: dict[str, int] = {}
    for place, (_, name) in enumerate(mirrored("ABC", rounds=1)):
        slowness[name] = slowness.get(name, 0) + place
    assert set(slowness.values()) == {5}


def test_a_ratio_is_to_the_baseline_of_the_same_pass() -> None:
    visits = [
        Visit("plain", 0, {"cpu": 10}),
        Visit("usher", 0, {"cpu": 11}),
        Visit("usher", 1, {"cpu": 26}),
        Visit("plain", 1, {"cpu": 20}),
    ]
    found = summarise(visits, "plain")["usher"]["cpu"]
    assert found.ratios == (1.1, 1.3)
    assert found.ratio == pytest.approx(1.2)
    assert (found.least, found.median, found.most) == (11, 18.5, 26)


def test_of_many_ratios_the_middle_half_is_told() -> None:
    """One turn that met another mood of the machine says nothing of the others."""
    few, many = (1.0, 2.0, 9.0), (0.1, *(1 + n / 10 for n in range(6)), 9.0)
    assert Summary(1, 1, 9, few).spread == (1.0, 9.0)
    assert Summary(1, 1, 9, many).spread == (1.0, 1.4)


def test_what_the_baseline_lacks_or_has_as_zero_has_no_ratio() -> None:
    visits = [Visit("plain", 0, {"lost": 0}), Visit("usher", 0, {"lost": 3, "cpu starter": 1})]
    found = summarise(visits, "plain")["usher"]
    assert found["lost"].ratio is None
    assert found["cpu starter"].ratio is None


def test_a_visit_that_lacks_a_measure_is_left_out_of_it() -> None:
    visits = [Visit("plain", 0, {"cpu": 10}), Visit("plain", 1, {"lost": 1})]
    found = summarise(visits, "plain")["plain"]
    assert found["cpu"].median == 10
    assert found["cpu"].ratios == (1.0,)
