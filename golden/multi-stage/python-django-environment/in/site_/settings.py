"""Settings of the shop."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
INSTALLED_APPS = ["django.contrib.admin", "django.contrib.staticfiles", "shop"]
STATIC_URL = "static/"
STATIC_ROOT = os.environ["STATIC_ROOT"]
STORAGES = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}
