#!/bin/sh
cp -r assets /usr/share/app
