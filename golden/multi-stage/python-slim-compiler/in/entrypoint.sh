#!/bin/sh
set -e
pg_isready -h db || sleep 5
exec "$@"
