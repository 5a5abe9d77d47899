"""Text of scanned documents, over HTTP."""

import os

import magic
from flask import Flask, abort, jsonify, request

from .text import of_image, of_pdf

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 20_000_000
READERS = {"application/pdf": of_pdf, "image/png": of_image, "image/jpeg": of_image}


@app.get("/health")
def health():
    """Tell which revision runs."""
    return jsonify(status="ok", revision=os.environ["GIT_SHA"])


@app.post("/text")
def text():
    """Return the text of the document in the body."""
    document = request.get_data()
    reader = READERS.get(magic.from_buffer(document, mime=True))
    if reader is None:
        abort(415)
    return jsonify(pages=reader(document, request.args.get("language", "eng")))
