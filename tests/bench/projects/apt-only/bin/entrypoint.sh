#!/bin/sh
# Checks what every command needs, then runs the one that was asked for.
set -eu

for name in DATABASE_URL RESTIC_REPOSITORY RESTIC_PASSWORD; do
    eval "value=\${$name:-}"
    if [ -z "$value" ]; then
        echo "backup: $name is not set" >&2
        exit 64
    fi
done

exec "$@"
