"""The billing service: invoices over HTTP."""

import os

import structlog
from flask import Flask, jsonify, request

from .invoices import Line, total

log = structlog.get_logger()


def create_app() -> Flask:
    """Return the application."""
    app = Flask("billing")

    @app.get("/health")
    def health():
        return jsonify(status="ok", revision=os.environ.get("GIT_SHA", ""))

    @app.post("/invoices/preview")
    def preview():
        lines = [Line(**line) for line in request.get_json()["lines"]]
        log.info("preview", lines=len(lines))
        return jsonify(total=str(total(lines)))

    return app
