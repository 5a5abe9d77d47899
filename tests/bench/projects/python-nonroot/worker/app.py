"""The worker's tasks."""

import os

import boto3
import sentry_sdk
from celery import Celery

from .report import render

sentry_sdk.init(os.environ.get("SENTRY_DSN", ""), release=os.environ.get("GIT_SHA"))
app = Celery("worker", broker=os.environ.get("BROKER_URL", "redis://localhost:6379/0"))
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=1)


@app.task(autoretry_for=(OSError,), retry_backoff=True, max_retries=5)
def send_report(customer: str, lines: list[dict[str, object]]) -> str:
    """Make a report and put it where the customer finds it; return its key."""
    key = f"reports/{customer}.pdf"
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=key, Body=render(customer, lines))
    return key
