# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Sourced by run.sh: the profile `cluster` of docker-compose.yml, three nodes behind nginx on one Redis. It grows out of the one node that runs
# already. Nodes are stopped, killed, made anew and moved to other addresses, and Redis is killed, while numbers are taken and counters added to.

nodes='app node2 node3'
counters=2
squatter="$project-squatter"

cluster_holds() {
  local index
  base="http://$WARREN_PORT"
  index=$(index_of /next)
  start_cluster "$((index + 1))" || return
  every_node_answers
  while_taking 1 a_node_is_lost
  while_taking 0 nodes_are_stopped_and_started
  nothing_failed 'rolling update'
  while_taking 0 nodes_are_made_anew
  nothing_failed 'rolling update by new containers'
  while_taking 0 a_node_gets_a_new_address
  nothing_failed 'new address'
  while_taking 2 redis_is_lost
  every_shard_is_owned
  rolls_as_on_kubernetes
}

# start_cluster INDEX: of the next number.
start_cluster() {
  local expected=$1 front node
  front=$(free_port)
  chmod -R a+rX "$here/counter.mjs"
  # The file as it is shipped, and an actor to serve.
  {
    echo 'services:'
    for node in $nodes; do
      echo "  $node: { environment: { ACTORS: '/actors/counter.mjs,fibonacci' }, volumes: ['$here/counter.mjs:/actors/counter.mjs:ro'] }"
    done
  } >"$work/cluster.yml"
  export COMPOSE_PROFILES=cluster COMPOSE_FILE="$root/docker-compose.yml:$work/cluster.yml" CLUSTER_PORT="127.0.0.1:$front"
  base="http://127.0.0.1:$front"
  check 'cluster: compose comes up' logged compose up --detach --no-build || return
  app=$(compose ps --quiet app)
  redis=$(compose ps --quiet redis)
  for node in $nodes; do check "cluster: $node becomes ready" within 60 node_is_ready "$node"; done
  check 'cluster: nginx passes requests on' within 30 serving || { note "$(docker logs --tail 20 "$(compose ps --quiet nginx)" 2>&1)"; return 1; }
  check 'cluster: it goes on at the number where the one node was' equals "$expected" index_of /next
  every_shard_is_owned
}

every_node_answers() {
  local node index before
  index=$(index_of /next)
  for node in $nodes; do
    index=$((index + 1))
    check "cluster: $node takes the next number, wherever the sequence is" equals "$index" ask_node "$node" /next 'r.headers.get("sequence-index")'
  done
  for before in $(seq "$index" $((index + 59))); do
    [ "$(index_of /next)" = $((before + 1)) ] || break
  done
  check 'cluster: sixty numbers through nginx come without a gap' equals $((index + 60)) index_of /current
  for node in $nodes; do check "cluster: nginx sends requests to $node" has_answered "$node" 4; done
  check 'cluster: an actor counts through nginx' equals '1 2 3 4 5 6' counted many
}

every_shard_is_owned() {
  check 'cluster: `warren nodes` shows three nodes that are ready' \
    equals '3' docker exec "$app" bash -c 'node dist/src/cli/warren.js nodes | grep -cE "^(app|node2|node3) +ready +(app|node2|node3):7080 "'
  check 'cluster: together they own all 64 shards' within 60 owned_shards_are 64
}

a_node_is_lost() {
  local container
  container=$(compose ps --quiet node2)
  check 'cluster: docker kill of a node' logged docker kill "$container"
  check 'cluster: the others own its shards' within 60 owned_shards_are 64 app node3
  check 'cluster: and answer' serving
  check 'cluster: docker start of the node' logged docker start "$container"
  check 'cluster: it is ready again' within 60 node_is_ready node2
}

nodes_are_stopped_and_started() {
  local node container
  for node in $nodes; do
    container=$(compose ps --quiet "$node")
    logged docker stop --time 10 "$container"
    check "cluster: $node stops with exit code 0" equals 0 docker inspect --format '{{.State.ExitCode}}' "$container"
    logged docker start "$container"
    check "cluster: $node is ready again" within 60 node_is_ready "$node"
  done
}

nodes_are_made_anew() {
  local node
  for node in $nodes; do
    check "cluster: compose makes $node anew" logged compose up --detach --no-build --no-deps --force-recreate "$node"
    check "cluster: the new $node is ready" within 60 node_is_ready "$node"
  done
  app=$(compose ps --quiet app)
}

a_node_gets_a_new_address() {
  local container before
  container=$(compose ps --quiet node2)
  before=$(address_of "$container")
  logged docker stop --time 10 "$container"
  # It takes the address that is free now, so the node gets another one.
  logged docker run --detach --rm --init --name "$squatter" --network "${project}_default" --entrypoint sleep "$image" 600
  logged docker start "$container"
  check 'cluster: the node has another address' test "$(address_of "$container")" != "$before"
  check 'cluster: it is ready there' within 60 node_is_ready node2
  check 'cluster: and nginx sends requests to it' within 60 has_answered node2 4
  logged docker rm --force "$squatter"
}

redis_is_lost() {
  crash_and_return redis "$redis"
  sleep 2
  kill_and_start redis "$redis"
}

# On the Redis of the cluster, in a store of its own.
rolls_as_on_kubernetes() {
  logged compose stop nginx $nodes
  check 'kubernetes: no request fails while the pods of the manifest are updated' pods_roll
  note "kubernetes: $(cat "$work/statefulset.json")"
}

# --- what the checks are made of

pods_roll() {
  timeout 400 node "$here/statefulset.mjs" "$image" "${project}_default" "$project-pod" --env REDIS_PREFIX=pods \
    --env ACTORS=/actors/counter.mjs,fibonacci --volume "$here/counter.mjs:/actors/counter.mjs:ro" >"$work/statefulset.json"
}

# while_taking CUTS COMMAND…: takes numbers and adds to counters meanwhile.
while_taking() {
  local cuts=$1 before=$failed
  shift
  timeout 400 node "$here/take-numbers.mjs" "$base" "$takers" "$cuts" "$counters" >"$work/taken.json" 2>"$work/taker.err" &
  taker_pid=$!
  sleep 2
  "$@"
  sleep 2
  kill -TERM "$taker_pid" 2>/dev/null
  check "cluster: no number and no count was lost or came twice: $1" wait "$taker_pid"
  taker_pid=
  note "taken: $(cat "$work/taken.json" "$work/taker.err")"
  [ "$failed" = "$before" ] || logs_of_nodes
}

nothing_failed() { check "cluster: $1: no request failed" grep -q '"unknown":0,"refused":0,' "$work/taken.json" || logs_of_nodes; }

# Not what went well.
logs_of_nodes() {
  local node
  for node in $nodes nginx; do note "$node: $(docker logs "$(compose ps --quiet "$node")" 2>&1 | grep -v '" 200 ' | tail -n 12)"; done
}

# ask_node NODE PATH EXPRESSION: of the answer `r`, asked within the container.
ask_node() {
  docker exec "$(compose ps --quiet "$1")" node -e "fetch('http://127.0.0.1:8080$2').then(async (r) => console.log($3))"
}
node_is_ready() { equals 200 ask_node "$1" /ready r.status; }

# has_answered NODE COUNT: so many messages for actors at least, since it started.
has_answered() {
  local count
  count=$(docker exec "$(compose ps --quiet "$1")" node -e 'fetch("http://127.0.0.1:9090/metrics").then(async (r) => console.log(await r.text()))' |
    awk '/^warren_requests_total\{actor="(fibonacci|counter)".*status="200"/ { sum += $2 } END { print sum + 0 }')
  [ "$count" -ge "$2" ] || { note "  $1 has answered $count"; return 1; }
}

# owned_shards_are COUNT [NODE…]
owned_shards_are() {
  local expected=$1 node sum=0 owned
  shift
  for node in ${*:-$nodes}; do
    owned=$(docker exec "$(compose ps --quiet "$node")" node dist/src/cli/warren.js nodes --json | sed -n 's/.*"owned":\([0-9]*\).*/\1/p')
    sum=$((sum + owned))
  done
  [ "$sum" = "$expected" ]
}

# counted KEY: six additions.
counted() { for _ in 1 2 3 4 5 6; do get --request POST "$base/counter/$1/add"; echo; done | paste -sd ' '; }
address_of() { docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1"; }
