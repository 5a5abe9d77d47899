#!/bin/sh
exec socat -d TCP-LISTEN:5000,fork UDP:device:5000
