"""Settings of the shop."""

import os

BASE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INSTALLED_APPS = ["django.contrib.admin", "django.contrib.staticfiles", "shop"]
STATIC_URL = "static/"
STATIC_ROOT = os.path.join("/var", "www", "static")
STORAGES = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}
