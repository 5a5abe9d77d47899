"""The page behind a report."""

from worker.report import environment


def test_the_customer_is_named() -> None:
    assert "Ada" in environment.get_template("report.html").render(customer="Ada", lines=[])
