"""The notes from the outside."""

from app.main import app
from fastapi.testclient import TestClient


def test_a_note_is_kept() -> None:
    with TestClient(app) as client:
        made = client.post("/notes", json={"title": "milk"}).json()
        assert client.get(f"/notes/{made['id']}").json()["title"] == "milk"
