"""The web site: what customers see."""

from flask import Flask

app = Flask("web")


@app.get("/")
def index() -> str:
    """Return the front page."""
    return "<h1>Welcome</h1>"
