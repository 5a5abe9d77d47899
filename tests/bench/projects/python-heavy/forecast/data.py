"""The sales in the database."""

import pandas as pd
from sqlalchemy import create_engine

QUERY = "SELECT day, shop, sum(pieces) AS pieces FROM sales GROUP BY day, shop ORDER BY day"


def sales(url: str) -> pd.DataFrame:
    """Return pieces sold: a row for each day, a column for each shop."""
    table = pd.read_sql(QUERY, create_engine(url), parse_dates=["day"])
    return table.pivot(index="day", columns="shop", values="pieces").asfreq("D").fillna(0)
