#!/usr/bin/env bash
# Makes nginx and HAProxy available to the tests, which start private ones of their own. Nothing to do where both are on the
# PATH; on Debian as root what is missing is installed; anywhere else one line says what to install. The packages' own
# services would sit on port 80: they are kept from starting.
set -euo pipefail

missing=()
for name in nginx haproxy; do
  if ! command -v "$name" >/dev/null; then missing+=("$name"); fi
done
if [ "${#missing[@]}" -eq 0 ]; then
  exit 0
fi

if ! command -v apt-get >/dev/null || [ "$EUID" -ne 0 ]; then
  echo "${missing[*]} not on the PATH: install nginx and HAProxy (Debian and Ubuntu: sudo apt-get install nginx-light haproxy)" >&2
  exit 1
fi

# Debian's package scripts ask this file before they start a service; 101 means "forbidden".
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]/nginx/nginx-light}" >/dev/null

# With systemd the units were enabled all the same, and would start at the next boot.
if [ -d /run/systemd/system ]; then
  systemctl disable --now "${missing[@]}" >/dev/null 2>&1 || true
fi

command -v nginx >/dev/null
command -v haproxy >/dev/null
