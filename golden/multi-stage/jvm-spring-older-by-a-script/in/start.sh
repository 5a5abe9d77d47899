#!/bin/sh
exec java -jar /app/target/shop-1.0.0.jar "$@"
