#!/bin/sh
exec mvn -o package
