#!/bin/sh
exec curl -fLo vcpkg/vcpkg https://example.org/vcpkg
