"""Command line: train a model, or forecast with it."""

import click
import joblib

from . import data, model


@click.group()
def main() -> None:
    """Forecast the demand of each shop."""


@main.command()
@click.option("--url", envvar="DATABASE_URL", required=True)
@click.option("--output", default="model.joblib")
def train(url: str, output: str) -> None:
    """Train on the sales so far."""
    joblib.dump(model.fit(data.sales(url)), output)


@main.command()
@click.option("--url", envvar="DATABASE_URL", required=True)
@click.option("--trained", default="model.joblib")
@click.option("--days", default=14)
def predict(url: str, trained: str, days: int) -> None:
    """Print the forecast as CSV."""
    click.echo(model.forecast(joblib.load(trained), data.sales(url), days).to_csv())


main()
