#!/usr/bin/env bash
# The container for real: builds the image, brings docker-compose.yml up, looks whether its limits are in force, and takes
# numbers while the containers are killed; then the same with three nodes behind nginx. `npm run test:container`; needs docker, docker compose (or docker-compose), nginx, haproxy, curl and node,
# and an engine or root to start a private one (engine.sh). Ends with "N passed, N failed" and exits accordingly.
#
#   WITHOUT_SUITE=1        leaves out the test suite on the image's Node, which takes a quarter of an hour
#   ENGINE=private         a private engine, even where one runs already
#   WARREN_IMAGE_CACHE=dir keeps stand-ins for the base images (images.sh)
#   KEEP_LOGS=dir          copies the containers' logs there at the end
#
# Everything is published on the loopback address only, has a name of its own, and is removed at the end.

set -u -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
project="warren-test-$$"
image=warren
lone="$project-lone"
actors="$project-actors"
takers=4
started=$SECONDS
passed=0
failed=0
taker_pid=

peak_mb=0

# shellcheck source=engine.sh
. "$here/engine.sh"
# shellcheck source=images.sh
. "$here/images.sh"
# shellcheck source=cluster.sh
. "$here/cluster.sh"

main() {
  cd "$root" || exit 1
  trap finish EXIT
  trap 'exit 130' INT TERM
  start_engine "$work/engine" || { check 'a Docker engine answers' false; return; }
  note "engine: $engine, $(docker version --format '{{.Server.Version}}'), $(docker info --format '{{.Driver}}, cgroup v{{.CgroupVersion}}')"
  check 'the base images are there' provide_images "$work" node:24-trixie-slim "$(image_of redis)" "$(image_of nginx)" || return
  check 'the image builds' logged build "$image" "$root" || return
  note "image: $(($(docker image inspect --format '{{.Size}}' "$image") / 1000000)) MB"

  image_holds_only_what_runs
  port=$(free_port)
  export WARREN_PORT="127.0.0.1:$port"
  base="http://127.0.0.1:$port"
  check 'compose comes up' logged compose up --detach --no-build || return
  app=$(compose ps --quiet app)
  redis=$(compose ps --quiet redis)
  check 'redis becomes healthy' within 60 healthy "$redis" || return
  check 'app becomes healthy' within 60 healthy "$app" || return
  contract_holds
  limits_are_in_force
  numbers_survive_kills
  stops_in_time
  numbers_survive_new_containers
  through_proxy nginx
  through_proxy haproxy
  alone_with_a_volume
  serves_actors_of_a_folder
  cluster_holds
  [ -n "${WITHOUT_SUITE:-}" ] || suite_passes_on_the_image_s_node
}

image_holds_only_what_runs() {
  check 'the last stage has no compiler and no package manager' \
    in_image '! command -v cc gcc g++ clang ld make python3 node-gyp tsc npm npx yarn'
  # shellcheck disable=SC2016
  check 'the last stage has no development module, source or test' \
    in_image 'found=$(ls -d node_modules/{typescript,assemblyscript,tap,@biomejs,@types} src workers dist/test dist/bench 2>/dev/null);
              echo "$found"; [ -z "$found" ]'
  check 'the native modules load in it' in_image 'node -e "Promise.all([\"uWebSockets.js\", \"classic-level\"].map((name) => import(name)))"'
  check 'its user is not root' test "$(docker image inspect --format '{{.Config.User}}' "$image")" = 1000:1000
}

contract_holds() {
  check '/ready is 200' within 30 status_is 200 /ready
  check 'GET /health' answers '{"status": "healthy"}' /health
  check 'a fresh volume starts at 0' answers '{"current": 0}' /current
  check 'GET /next' answers '{"next": 1}' /next
  check 'GET /previous' answers '{"previous": 0}' /previous
  check 'POST /next' answers '{"next": 1}' /next --request POST
  check 'GET /current' answers '{"current": 1}' /current
  check 'an unknown path is 404' status_is 404 /nowhere
}

limits_are_in_force() {
  local inspect='{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}} {{.HostConfig.Init}}'
  check 'app: 512 MB without swap, 1 CPU, restart always, read-only, no capabilities, no new privileges, init' \
    equals '536870912 536870912 1000000000 always true [ALL] [no-new-privileges:true] true' docker inspect --format "$inspect" "$app"
  check 'app: the cgroup holds 512 MB' equals 536870912 cgroup memory.max memory/memory.limit_in_bytes
  check 'app: the cgroup holds no swap beyond it' no_swap
  check 'app: the cgroup gives one CPU' one_cpu
  # shellcheck disable=SC2016
  check 'app: every process has uid 1000, no capability and no new privileges' \
    in_app 'set -- $(cat /proc/[0-9]*/status | grep -E "^(Uid|CapEff|CapBnd|NoNewPrivs):" | sort -u | tr -s "\t" " " | tr " " _);
            [ "$*" = "CapBnd:_0000000000000000 CapEff:_0000000000000000 NoNewPrivs:_1 Uid:_1000_1000_1000_1000" ]'
  check 'app: the root is read-only and /data is not' in_app '! touch /warren/x 2>/dev/null && ! touch /tmp/x 2>/dev/null && touch /data/x && rm /data/x'
  check 'app: a process that outgrows 512 MB is killed' \
    exits_with 137 compose run --rm --no-deps -T app node -e 'const held = []; for (;;) held.push(Buffer.alloc(2 ** 24, 1))'
  check 'app: two busy threads get one CPU' logged compose run --rm --no-deps -T app node -e "$busy_threads"
  check 'redis: no port is published' equals '' docker port "$redis"
  check 'redis: append-only, with an fsync for each answer' \
    equals 'appendfsync always appendonly yes' redis_config appendonly appendfsync
  check 'redis: not root, read-only, restart always' \
    equals 'redis true always' docker inspect --format '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.RestartPolicy.Name}}' "$redis"
}

# `docker kill` counts as a stop by hand, after which an engine leaves a container alone whatever its restart policy says. What a crash
# or the kernel's memory killer does is a SIGKILL to the processes inside: the policy answers that. Both are tried.
numbers_survive_kills() {
  local before=$failed
  timeout 300 node "$here/take-numbers.mjs" "$base" "$takers" 4 >"$work/taken.json" 2>"$work/taker.err" &
  taker_pid=$!
  sleep 2
  crash_and_return app "$app"
  sleep 3
  crash_and_return redis "$redis"
  sleep 3
  kill_and_start app "$app"
  sleep 3
  kill_and_start redis "$redis"
  sleep 2
  see_peak_memory
  note "app: $peak_mb MB of memory at the most"
  kill -TERM "$taker_pid" 2>/dev/null
  check 'no acknowledged number was lost or repeated, and their order is that of time' wait "$taker_pid"
  taker_pid=
  note "taken: $(cat "$work/taken.json" "$work/taker.err")"
  [ "$failed" = "$before" ] || note "$(docker logs --tail 20 "$app" 2>&1)"
}

crash_and_return() {
  local name=$1 container=$2 restarts at
  restarts=$(docker inspect --format '{{.RestartCount}}' "$container")
  see_peak_memory
  # All processes but PID 1, which is docker-init and ends with them.
  docker exec "$container" bash -c 'kill -9 -1' >/dev/null 2>&1
  at=$SECONDS
  check "$name: SIGKILL inside is answered by the restart policy" within 30 restarted_since "$restarts" "$container"
  check "$name: after it the service is ready and answers by itself" within 60 serving
  note "$name: serving $((SECONDS - at)) s after the crash"
}

kill_and_start() {
  local name=$1 container=$2 at
  see_peak_memory
  check "$name: docker kill" logged docker kill "$container"
  sleep 1
  check "$name: docker start" logged docker start "$container"
  at=$SECONDS
  check "$name: after it the service is ready and answers by itself" within 60 serving
  note "$name: serving $((SECONDS - at)) s after docker start"
}

stops_in_time() {
  local at=$SECONDS
  check 'app: docker stop' logged docker stop --time 10 "$app"
  check 'app: it took less than 10 s' test $((SECONDS - at)) -lt 10
  check 'app: it exited 0' equals 0 docker inspect --format '{{.State.ExitCode}}' "$app"
  check 'app: the memory killer never came' equals false docker inspect --format '{{.State.OOMKilled}}' "$app"
}

# The volume is what stays. `down` removes the containers, so this is also what an update of the image does.
numbers_survive_new_containers() {
  local index
  logged docker start "$app"
  within 60 serving
  index=$(index_of /next)
  check 'compose down' logged compose down --timeout 10
  check 'compose comes up again' logged compose up --detach --no-build
  check 'the service is ready again' within 60 serving
  check 'new containers go on at the next number' equals $((index + 1)) index_of /next
}

# The documented configuration, but for the addresses, in a proxy of this machine.
through_proxy() {
  local name=$1 folder="$work/$1" front pid index direct=$base
  mkdir -p "$folder"
  front=$(free_port)
  if [ "$name" = nginx ]; then
    sed "s/listen 8000;/listen 127.0.0.1:$front;/; s/127\.0\.0\.1:8080/127.0.0.1:$port/" docs/operations/nginx.conf >"$folder/warren.conf"
    cat >"$folder/nginx.conf" <<END
daemon off; master_process off; pid $folder/pid; error_log stderr warn; events { }
http { access_log off; client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi; include $folder/warren.conf; }
END
    nginx -p "$folder" -c "$folder/nginx.conf" -e stderr >"$work/nginx.log" 2>&1 &
  else
    sed "s/bind :8000/bind 127.0.0.1:$front/; s/127\.0\.0\.1:8080/127.0.0.1:$port/" docs/operations/haproxy.cfg >"$folder/haproxy.cfg"
    haproxy -db -f "$folder/haproxy.cfg" >"$work/haproxy.log" 2>&1 &
  fi
  pid=$!
  index=$(index_of /current)
  base="http://127.0.0.1:$front"
  check "$name: it passes requests on" within 30 serving
  check "$name: GET /next takes one number" equals $((index + 1)) index_of /next
  check "$name: a POST with a body takes one number" equals '200' get --output /dev/null --write-out '%{http_code}' --data hello "$base/next"
  check "$name: and no more" equals $((index + 2)) index_of /current
  base=$direct
  kill "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
}

# Without compose and without Redis: one container, its embedded store on a volume.
alone_with_a_volume() {
  local index
  port=$(free_port)
  base="http://127.0.0.1:$port"
  check 'alone: it starts on a volume' logged docker run --detach --name "$lone" --restart always --init --read-only --cap-drop ALL \
    --network "${project}_default" --memory 512m --memory-swap 512m --cpus 1 --volume "$lone:/data" --publish "127.0.0.1:$port:8080" "$image"
  check 'alone: it serves' within 60 serving
  check 'alone: a fresh volume starts at 0' answers '{"current": 0}' /current
  for _ in 1 2 3 4 5 6 7; do index=$(index_of /next); done
  check 'alone: the seventh number is the seventh' equals 7 echo "$index"
  docker exec "$lone" bash -c 'kill -9 -1' >/dev/null 2>&1
  check 'alone: SIGKILL inside is answered by the restart policy' within 30 restarted_since 0 "$lone"
  check 'alone: it serves again' within 60 serving
  check 'alone: it goes on at the next number' equals 8 index_of /next
  check 'alone: it becomes healthy' within 60 healthy "$lone"
  logged docker stop --time 10 "$lone"
  check 'alone: docker stop exits 0' equals 0 docker inspect --format '{{.State.ExitCode}}' "$lone"
}

# Actors of one's own, from a folder that is mounted, with their states on a volume.
serves_actors_of_a_folder() {
  local folder="$work/actors" taken='{"from":1,"seats":2}'
  mkdir -p "$folder"
  # The module that the README shows.
  # shellcheck disable=SC2016
  sed -n '/^```js title=tickets.mjs$/,/^```$/{/^```/d;p;}' README.md >"$folder/tickets.mjs"
  chmod -R a+rX "$folder"
  port=$(free_port)
  base="http://127.0.0.1:$port"
  check 'actors: the image serves a module of a mounted folder' logged docker run --detach --name "$actors" --restart always --init --read-only \
    --cap-drop ALL --network "${project}_default" --memory 512m --memory-swap 512m --cpus 1 --volume "$actors:/data" --volume "$folder:/actors:ro" \
    --env ACTORS=/actors/tickets.mjs --publish "127.0.0.1:$port:8080" "$image"
  check 'actors: it is ready' within 60 status_is 200 /ready
  check 'actors: a command is answered' answers "$taken" /tickets/berlin/take --data '{"seats": 2}'
  docker exec "$actors" bash -c 'kill -9 -1' >/dev/null 2>&1
  check 'actors: SIGKILL inside is answered by the restart policy' within 30 restarted_since 0 "$actors"
  check 'actors: it is ready again' within 60 status_is 200 /ready
  check 'actors: what was answered is there' answers '{"left":98}' /tickets/berlin/left
  check 'actors: it becomes healthy' within 60 healthy "$actors"
  logged docker stop --time 10 "$actors"
  check 'actors: docker stop exits 0' equals 0 docker inspect --format '{{.State.ExitCode}}' "$actors"
}

# The suite as a whole on the Node and the Debian of the image.
suite_passes_on_the_image_s_node() {
  check 'suite: its image builds' logged build_suite "$project-suite" || return
  # shellcheck disable=SC2046
  check 'suite: every test passes' logged timeout 3600 docker run --rm --init --name "$project-suite" \
    --shm-size 512m $(host_network) "$project-suite"
  note "suite: $(grep -E '^# \{ total: ' "$work/last.log" | tail -n 1)"
}

# --- what the checks are made of

check() {
  local title=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "ok - $title"
  else
    failed=$((failed + 1))
    echo "not ok - $title"
    return 1
  fi
}

note() { echo "# $*"; }

# Quiet as long as it goes well.
logged() {
  "$@" >"$work/last.log" 2>&1 || { tail -n 30 "$work/last.log" | sed 's/^/#   /'; return 1; }
}

# within SECONDS COMMAND…: again and again until it succeeds or the time is over.
within() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.2
  done
}

equals() {
  local expected=$1 actual
  shift
  actual=$("$@" 2>&1)
  [ "$actual" = "$expected" ] || { note "  expected '$expected', got '$actual'"; return 1; }
}

exits_with() {
  local expected=$1 actual
  shift
  "$@" >"$work/last.log" 2>&1
  actual=$?
  [ "$actual" = "$expected" ] || { note "  expected exit $expected, got $actual: $(tail -n 5 "$work/last.log")"; return 1; }
}

get() { curl --silent --show-error --max-time 10 "$@"; }
answers() {
  local expected=$1 path=$2
  shift 2
  equals "$expected application/json 200" get --write-out ' %{content_type} %{http_code}' "$@" "$base$path"
}
status_is() { equals "$1" get --output /dev/null --write-out '%{http_code}' "$base$2"; }
serving() { status_is 200 /ready && status_is 200 /current; }
index_of() { get --output /dev/null --dump-header - "$base$1" | tr -d '\r' | awk 'tolower($1) == "sequence-index:" { print $2 }'; }

compose() {
  if docker compose version >/dev/null 2>&1; then set -- docker compose --project-name "$project" "$@"
  else set -- docker-compose --project-name "$project" "$@"; fi
  timeout 180 "$@"
}
image_of() { awk -v "name=^$1:" '$1 == "image:" && $2 ~ name { print $2 }' docker-compose.yml; }

# build TAG DIRECTORY
build() {
  # shellcheck disable=SC2046
  timeout 900 docker build $(host_network) $(proxy_arguments) --tag "$1" "$2"
}

# build_suite TAG: the repository goes along without .dockerignore, which leaves out the tests.
build_suite() {
  # shellcheck disable=SC2046
  tar --create --file=- --exclude=node_modules --exclude=./dist --exclude=./.git --exclude=./.tap --exclude=./data --exclude=./.dockerignore . |
    timeout 1800 docker build $(host_network) $(proxy_arguments) --tag "$1" --file test/container/suite.Dockerfile -
}

# The private engine has no network of its own for builds; it borrows the host's.
host_network() { if [ "$engine" = private ]; then echo --network host; fi; }
proxy_arguments() {
  local name
  for name in HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy; do
    if [ -n "${!name:-}" ]; then echo --build-arg "$name"; fi
  done
}

in_image() { logged timeout 60 docker run --rm --network none --entrypoint bash "$image" -c "$1"; }
in_app() { logged timeout 30 docker exec "$app" bash -c "$1"; }
healthy() { [ "$(docker inspect --format '{{.State.Health.Status}}' "$1")" = healthy ]; }
restarted_since() { [ "$(docker inspect --format '{{.RestartCount}}' "$2")" -gt "$1" ]; }
redis_config() { docker exec "$redis" redis-cli config get "$@" | paste -sd ' ' | awk '{ print $1 < $3 ? $0 : $3 " " $4 " " $1 " " $2 }'; }

# cgroup V2_FILE V1_FILE: what the container sees of its own limits.
cgroup() { docker exec "$app" bash -c "cat /sys/fs/cgroup/$1 2>/dev/null || cat /sys/fs/cgroup/$2"; }
one_cpu() {
  local quota
  quota=$(cgroup cpu.max cpu/cpu.cfs_quota_us)
  [ "$quota" = '100000 100000' ] || [ "$quota $(cgroup - cpu/cpu.cfs_period_us)" = '100000 100000' ]
}
no_swap() {
  local swap
  swap=$(cgroup memory.swap.max memory/memory.memsw.limit_in_bytes)
  [ "$swap" = 0 ] || [ "$swap" = 536870912 ]
}
# The cgroup forgets its peak when the container goes, so this looks before each end.
see_peak_memory() {
  local bytes
  bytes=$(cgroup memory.peak memory/memory.max_usage_in_bytes 2>/dev/null) || return 0
  [ $((bytes / 1048576)) -le "$peak_mb" ] || peak_mb=$((bytes / 1048576))
}

busy_threads='
const { Worker } = require("node:worker_threads");
const spin = "const end = Date.now() + 3000; while (Date.now() < end);";
const before = process.cpuUsage(), at = Date.now();
const ends = [1, 2].map(() => new Promise((done) => new Worker(spin, { eval: true }).on("exit", done)));
Promise.all(ends).then(() => {
  const { user, system } = process.cpuUsage(before);
  const cpus = (user + system) / 1000 / (Date.now() - at);
  console.log(cpus);
  process.exitCode = cpus < 1.15 ? 0 : 1;
});'

free_port() { node -e 'const s = net.createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'; }

finish() {
  trap - EXIT INT TERM
  [ -n "$taker_pid" ] && kill "$taker_pid" 2>/dev/null
  if [ -n "${KEEP_LOGS:-}" ] && mkdir -p "$KEEP_LOGS"; then
    compose logs --no-color >"$KEEP_LOGS/compose.log" 2>&1
    docker logs "$lone" >"$KEEP_LOGS/lone.log" 2>&1
    docker logs "$actors" >"$KEEP_LOGS/actors.log" 2>&1
    cp "$work"/*.log "$work"/engine/*.log "$KEEP_LOGS/" 2>/dev/null
  fi
  if [ -n "${engine:-}" ]; then
    timeout 60 docker rm --force --volumes "$lone" "$actors" "$squatter" "$project-suite" >/dev/null 2>&1
    timeout 30 docker volume rm "$lone" "$actors" >/dev/null 2>&1
    compose down --volumes --timeout 5 >/dev/null 2>&1
    stop_engine "$work/engine"
  fi
  rm -rf --one-file-system "$work"
  note "$((SECONDS - started)) s"
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
  exit
}

main
