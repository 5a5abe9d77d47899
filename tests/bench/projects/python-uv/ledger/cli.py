"""The command line."""

import sys

from ledger.books import Books, Posting


def main() -> None:
    """Serve, or show an example."""
    if sys.argv[1:2] == ["serve"]:
        import uvicorn

        from ledger.web import app

        uvicorn.run(app, host="0.0.0.0", port=8000)
        return
    books = Books()
    books.post(Posting("bank", "rent", 90_000, "March"))
    for name, cents in books.balances().items():
        print(f"{name:10} {cents / 100:10.2f}")
