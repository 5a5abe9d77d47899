#!/bin/sh
set -e
rm -rf /var/lib/apt/lists /root/.cache
