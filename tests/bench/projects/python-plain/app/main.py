"""The HTTP interface."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from . import store
from .settings import settings


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Prepare the database before the first request."""
    store.prepare()
    yield


app = FastAPI(title="notes", lifespan=lifespan)
Database = Annotated[Session, Depends(store.session)]


class NewNote(BaseModel):
    """What a client sends."""

    title: str
    text: str = ""


class Note(NewNote):
    """What a client gets."""

    model_config = ConfigDict(from_attributes=True)

    id: int


@app.get("/health")
def health() -> dict[str, str]:
    """Tell that the service runs, and which revision of it."""
    return {"status": "ok", "revision": settings.git_sha}


@app.get("/notes")
def list_notes(database: Database) -> list[Note]:
    """Return the newest notes."""
    return [Note.model_validate(note) for note in store.newest(database, settings.page_size)]


@app.post("/notes", status_code=201)
def add_note(new: NewNote, database: Database) -> Note:
    """Keep a note."""
    note = store.Note(title=new.title, text=new.text)
    database.add(note)
    database.commit()
    return Note.model_validate(note)


@app.get("/notes/{note_id}")
def get_note(note_id: int, database: Database) -> Note:
    """Return one note."""
    note = database.get(store.Note, note_id)
    if note is None:
        raise HTTPException(404)
    return Note.model_validate(note)


@app.delete("/notes/{note_id}", status_code=204)
def delete_note(note_id: int, database: Database) -> None:
    """Forget a note."""
    note = database.get(store.Note, note_id)
    if note is None:
        raise HTTPException(404)
    database.delete(note)
    database.commit()
