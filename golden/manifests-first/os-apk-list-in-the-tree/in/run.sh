#!/bin/sh
git --version
