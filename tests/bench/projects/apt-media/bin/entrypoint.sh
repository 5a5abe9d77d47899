#!/bin/sh
# Writes nginx's configuration from the environment, starts the watcher, then what it was asked to run.
set -eu

: "${MEDIA_ROOT:=/var/lib/mediabox}"
: "${LISTEN_PORT:=8080}"
: "${MAX_UPLOAD:=64m}"
export MEDIA_ROOT LISTEN_PORT MAX_UPLOAD THUMBNAIL_WIDTH

envsubst '$MEDIA_ROOT $LISTEN_PORT $MAX_UPLOAD $THUMBNAIL_WIDTH' \
  </opt/mediabox/conf/mediabox.conf.template >/etc/nginx/sites-enabled/mediabox.conf
nginx -t -q

/opt/mediabox/bin/watch.sh "$MEDIA_ROOT/in" "$MEDIA_ROOT/thumbs" &

exec "$@"
