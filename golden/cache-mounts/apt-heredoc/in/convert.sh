#!/bin/sh
convert "$@"
