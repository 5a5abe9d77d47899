#!/bin/sh
own
