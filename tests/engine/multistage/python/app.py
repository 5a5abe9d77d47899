"""A menu: a page made from a template and a file of data."""

import json
import os
from pathlib import Path

from flask import Flask, jsonify, render_template

app = Flask(__name__)
DISHES = json.loads((Path(__file__).parent / "data" / "dishes.json").read_text(encoding="utf-8"))


@app.get("/")
def menu() -> str:
    return render_template("menu.html", place=os.environ["PLACE"], dishes=DISHES)


@app.get("/dishes")
def dishes():
    return jsonify(DISHES)


@app.get("/health")
def health() -> str:
    import markupsafe._speedups  # noqa: F401  # compiled here

    return "ok\n"
