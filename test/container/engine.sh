# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Sourced by run.sh: a Docker engine. One that runs already is taken; otherwise a private dockerd is started with its own
# data, state and socket under a temporary directory, and $engine_pid is its handle. The private one writes no
# firewall rules and makes no bridge of its own; compose's networks and published ports work through its user-land proxy.

engine_pid=

# start_engine DIRECTORY: sets $engine to "running" or "private", exports DOCKER_HOST for the latter.
start_engine() {
  local directory=$1
  if [ "${ENGINE:-}" != private ] && timeout 10 docker info >/dev/null 2>&1; then
    engine=running
    return
  fi
  if [ "$(id -u)" != 0 ] || ! command -v dockerd >/dev/null; then
    echo 'No Docker engine answers, and a private one needs root and dockerd (Debian: apt-get install docker.io).' >&2
    return 1
  fi
  engine=private
  mkdir -p "$directory/data" "$directory/exec"
  export DOCKER_HOST="unix://$directory/docker.sock"
  # Names of their own in containerd, in case a system containerd runs and is shared.
  dockerd --host "$DOCKER_HOST" --pidfile "$directory/dockerd.pid" \
    --data-root "$directory/data" --exec-root "$directory/exec" \
    --containerd-namespace "warren-$$" --containerd-plugins-namespace "warren-$$-plugins" \
    --bridge=none --iptables=false --ip6tables=false --ip-forward=false \
    ${ENGINE_STORAGE_DRIVER:+--storage-driver "$ENGINE_STORAGE_DRIVER"} >"$directory/dockerd.log" 2>&1 &
  engine_pid=$!
  if ! within 30 docker info; then
    tail -5 "$directory/dockerd.log" >&2
    return 1
  fi
}

# stop_engine DIRECTORY: ends the private engine by its pid, and lets go of the mounts that it left.
stop_engine() {
  local directory=$1 mountpoint
  [ -n "$engine_pid" ] || return 0
  kill -TERM "$engine_pid" 2>/dev/null
  within 20 gone "$engine_pid" || kill -KILL "$engine_pid" 2>/dev/null
  wait "$engine_pid" 2>/dev/null
  engine_pid=
  # Deepest first.
  awk -v under="$directory/" 'index($2, under) == 1 { print $2 }' /proc/mounts | sort -r |
    while read -r mountpoint; do umount "$mountpoint"; done
}

gone() { ! kill -0 "$1" 2>/dev/null; }
