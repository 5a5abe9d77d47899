#!/bin/sh
curl -fsS localhost | jq .
