#!/bin/sh
# Make the namespace, unless it is there.
set -eu

export TEMPORAL_ADDRESS=temporal:7233
tries=0
until temporal operator cluster health; do
  tries=$((tries + 1))
  [ "$tries" -lt 24 ] || exit 1
  sleep 5
done
temporal operator namespace describe --namespace default >/dev/null 2>&1 ||
  temporal operator namespace create --namespace default --retention 168h
