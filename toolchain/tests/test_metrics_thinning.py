import math

import numpy as np
import pytest

from core.plots import average
from toolchain.metrics.thinning import BINS, chosen, thin

MILLION = 1_000_000


@pytest.fixture(scope="module")
def noisy():
    """A falling loss of a million points with 120 spikes up and down, one for each of 120 stretches of 4,000 points."""
    random = np.random.default_rng(1)
    y = 2 * np.exp(-np.arange(MILLION) / 3e5) + random.normal(0, 0.05, MILLION)
    spikes = random.choice(250, 120, replace=False) * 4000 + random.integers(0, 4000, 120)
    y[spikes] += np.where(np.arange(120) % 2, -1, 1) * (1 + 0.1 * np.arange(120))
    return np.arange(MILLION, dtype=float), y, spikes


def test_every_spike_of_a_million_points_stays(noisy):
    x, y, spikes = noisy
    line = thin(x, y)
    assert np.isin(spikes, line.x).sum() == 120
    assert 500 < len(line.x) <= 1000
    assert (line.least, line.most) == (y.min(), y.max())
    assert (line.x[0], line.x[-1], line.latest, line.count) == (0, MILLION - 1, y[-1], MILLION)
    assert (y[line.x.astype(int)] == line.y).all()


def test_spikes_stay_in_the_extremes_of_the_bins_too(noisy):
    x, y, spikes = noisy
    line = thin(x, y)
    assert len(line.at) == len(line.mean) == BINS
    assert np.isin(y[spikes], np.concatenate([line.low, line.high])).all()
    assert line.mean[0] == pytest.approx(y[:2000].mean(), abs=1e-12)
    assert (line.at[0], line.at[-1]) == (1999, MILLION - 1)


def test_gaps_stay_gaps_and_spikes_stay_beside_them(noisy):
    x, y, spikes = noisy
    y = y.copy()
    y[300_000:500_000] = np.nan
    y[::7] = np.nan
    line = thin(x, y)
    left = spikes[~np.isnan(y[spikes])]
    assert np.isin(left, line.x).sum() == len(left)
    assert line.x[np.isnan(line.y)].tolist() == [299_999]
    assert np.isnan(line.mean).sum() == 100
    assert len(line.x) <= 1000


def test_short_series_is_left_as_it_is():
    y = np.array([3.0, np.nan, 1.0, 2.0])
    line = thin(np.array([1.0, 2.0, 3.0, 4.0]), y)
    assert np.array_equal(line.y, y, equal_nan=True) and np.array_equal(line.mean, y, equal_nan=True)
    assert (line.count, line.latest, line.least, line.most, line.binned) == (3, 2.0, 1.0, 3.0, False)


@pytest.mark.parametrize("count", [0, 1, 5, 5000])
def test_series_of_gaps_only_has_no_value(count):
    line = thin(np.arange(float(count)), np.full(count, np.nan))
    assert line.count == 0 and math.isnan(line.latest) and math.isnan(line.most)
    assert len(line.x) == min(count, count if count <= 1000 else 2)


def test_first_and_last_points_are_chosen():
    places = chosen(np.arange(50_000.0), np.zeros(50_000))
    assert (places[0], places[-1]) == (0, 49_999)


def test_moving_average_is_debiased():
    # 1; (0.5·0.5 + 0.5·3)/(1 − 0.25) of the weights 0.5·1 … worked by hand: 1, 7/3, 3
    assert average([1.0, 3.0, 11 / 3], 0.5) == pytest.approx([1.0, (0.25 + 1.5) / 0.75, (0.125 + 0.75 + 11 / 6) / 0.875])
    assert average([4.0, 4.0, 4.0], 0.9) == pytest.approx([4.0, 4.0, 4.0])


def test_moving_average_goes_on_after_a_gap_as_if_it_were_not_there():
    smooth = average([1.0, float("nan"), 3.0], 0.5)
    assert math.isnan(smooth[1])
    assert [smooth[0], smooth[2]] == average([1.0, 3.0], 0.5)


def test_without_weight_the_average_is_the_line():
    assert average([3.0, 1.0, 2.0], 0.0) == [3.0, 1.0, 2.0]
