"""What a bakery has today: a page made from a template, served by gunicorn."""

import importlib.util
import os

from flask import Flask, jsonify, render_template
from gunicorn.app.wsgiapp import WSGIApplication

app = Flask(__name__)


@app.get("/")
def today() -> str:
    return render_template("today.html", town=os.environ["TOWN"], breads=["Schwarzbrot", "Krüstchen"])


@app.get("/packages")
def packages():
    return jsonify({name: importlib.util.find_spec(name) is not None for name in ("bakery", "flask", "iniconfig")})


@app.get("/health")
def health() -> str:
    return "ok\n"


class Server(WSGIApplication):
    """Gunicorn, which takes nothing from a command line."""

    def load_config(self) -> None:
        self.cfg.set("bind", "0.0.0.0:8000")

    def load(self) -> Flask:
        return app


def serve() -> None:
    """Serve until a signal comes."""
    Server().run()
