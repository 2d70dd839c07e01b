#!/bin/sh
# Run once, on an empty data directory: a user and databases for Temporal and for the Brain each.
set -eu

psql --set=ON_ERROR_STOP=1 --username=postgres \
  --set=temporal="$(cat /run/secrets/temporal_password)" \
  --set=brain="$(cat /run/secrets/brain_password)" <<'SQL'
CREATE USER temporal PASSWORD :'temporal';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
CREATE USER brain PASSWORD :'brain';
CREATE DATABASE brain OWNER brain;
REVOKE CONNECT ON DATABASE temporal, temporal_visibility, brain FROM PUBLIC;
SQL
