from ledger.books import Books, Posting


def test_the_books_balance() -> None:
    books = Books()
    books.post(Posting("bank", "rent", 90_000))
    assert sum(books.balances().values()) == 0
