"""The model on made-up sales."""

import numpy as np
import pandas as pd

from forecast import model


def test_constant_sales_stay_constant() -> None:
    days = pd.date_range("2024-01-01", periods=90, freq="D")
    sales = pd.DataFrame({"a": np.full(90, 7.0)}, index=days)
    assert np.allclose(model.forecast(model.fit(sales), sales, 3), 7)
