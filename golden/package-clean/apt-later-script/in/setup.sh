#!/bin/sh
apt-get install -y git
