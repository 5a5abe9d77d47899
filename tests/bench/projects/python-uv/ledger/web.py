"""The HTTP interface."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ledger.books import Books, Posting

BOOKS = Books()


async def post(request: Request) -> JSONResponse:
    """Take a posting."""
    BOOKS.post(Posting(**await request.json()))
    return JSONResponse({"ok": True}, status_code=201)


async def balances(request: Request) -> JSONResponse:
    """Show all balances."""
    return JSONResponse(BOOKS.balances())


app = Starlette(routes=[Route("/postings", post, methods=["POST"]), Route("/balances", balances)])
