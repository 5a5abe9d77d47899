#!/bin/sh
umask 027
exec /usr/sbin/service-of-ours
