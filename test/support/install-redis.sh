#!/usr/bin/env bash
# Makes redis-server available to the tests, which start private ones of their own. Nothing to do where it is on the
# PATH; on Debian as root it is installed; anywhere else one line says what to install. The package's own service
# would sit on port 6379: it is kept from starting, so that no test can ever meet it.
set -euo pipefail

if command -v redis-server >/dev/null; then
  exit 0
fi

if ! command -v apt-get >/dev/null || [ "$EUID" -ne 0 ]; then
  echo "redis-server is not on the PATH: install Redis 7 or later (Debian and Ubuntu: sudo apt-get install redis-server)" >&2
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
apt-get install -y -qq --no-install-recommends redis-server >/dev/null

# With systemd the unit was enabled all the same, and would start at the next boot.
if [ -d /run/systemd/system ]; then
  systemctl disable --now redis-server >/dev/null 2>&1 || true
fi

command -v redis-server >/dev/null
