#!/bin/sh
# Make the namespace and what its runs are found by, unless they are there.
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
temporal operator search-attribute create --namespace default \
  --name TenantId --type Keyword --name Module --type Keyword --name SupplierCode --type Keyword
