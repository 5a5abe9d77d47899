#!/bin/sh
set -e
exec poetry run uvicorn shop.main:app
