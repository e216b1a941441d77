#!/bin/sh
echo no database >&2; exit 3
