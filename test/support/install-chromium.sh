#!/usr/bin/env bash
# Makes a Chromium available to the test of the live page. Nothing to do where one is on the PATH; on Debian as root it is
# installed; anywhere else one line says what to install.
set -euo pipefail

for name in chromium chromium-browser google-chrome; do
  if command -v "$name" >/dev/null; then
    exit 0
  fi
done

if ! command -v apt-get >/dev/null || [ "$EUID" -ne 0 ]; then
  echo "chromium is not on the PATH: install it (Debian: sudo apt-get install chromium)" >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# With fonts: without any the page would be measured in boxes.
apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null

command -v chromium >/dev/null
