"""A guest book that forgets everything when it restarts."""

from flask import Flask, redirect, render_template, request, url_for

app = Flask(__name__)
entries: list[str] = []


@app.get("/")
def index():
    return render_template("index.html", entries=entries)


@app.post("/")
def sign():
    text = request.form.get("text", "").strip()
    if text:
        entries.append(text)
    return redirect(url_for("index"))
