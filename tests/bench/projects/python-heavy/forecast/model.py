"""The model: ridge regression over the last weeks, smoothed."""

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter1d
from sklearn.linear_model import Ridge

WINDOW = 28


def fit(sales: pd.DataFrame) -> Ridge:
    """Return a model that takes `WINDOW` days and gives the next one."""
    smooth = gaussian_filter1d(sales.to_numpy(float), sigma=1, axis=0)
    past = np.stack([smooth[i : i + WINDOW].ravel() for i in range(len(smooth) - WINDOW)])
    return Ridge(alpha=1.0).fit(past, smooth[WINDOW:])


def forecast(model: Ridge, sales: pd.DataFrame, days: int) -> pd.DataFrame:
    """Return the next days, a row each."""
    known = sales.to_numpy(float)
    for _ in range(days):
        known = np.vstack([known, model.predict(known[-WINDOW:].reshape(1, -1))])
    index = pd.date_range(sales.index[-1] + pd.Timedelta(days=1), periods=days)
    return pd.DataFrame(known[-days:], index=index, columns=sales.columns)
