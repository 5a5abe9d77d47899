"""Reports as PDF."""

from jinja2 import Environment, PackageLoader, select_autoescape

environment = Environment(loader=PackageLoader("worker"), autoescape=select_autoescape())


def render(customer: str, lines: list[dict[str, object]]) -> bytes:
    """Return the report as PDF."""
    from weasyprint import HTML

    page = environment.get_template("report.html").render(customer=customer, lines=lines)
    return HTML(string=page).write_pdf()
