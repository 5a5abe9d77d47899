"""The notes in the database."""

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from .settings import settings

engine = create_engine(settings.database_url)


class Base(DeclarativeBase):
    """The tables."""


class Note(Base):
    """A note."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    text: Mapped[str]
    made: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))


def prepare() -> None:
    """Make the tables that are missing."""
    Base.metadata.create_all(engine)


def session() -> Iterator[Session]:
    """Yield a session for one request."""
    with Session(engine) as open_session:
        yield open_session


def newest(open_session: Session, count: int) -> list[Note]:
    """Return the newest notes."""
    return list(open_session.scalars(select(Note).order_by(Note.made.desc()).limit(count)))
