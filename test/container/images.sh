# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Sourced by run.sh: the base images. They are pulled where a registry can be reached. Where none can, and only in a
# private engine, stand-ins get their names: Debian from debootstrap, Node and npm from npm and from this machine, Redis and
# nginx from Debian. The stand-ins carry this machine's certificates and npm settings, so that `npm ci` works in a build here, and
# the Dockerfile knows nothing of it.
#
# WARREN_IMAGE_CACHE names a directory that keeps the stand-ins between runs; remove their files to make them anew.

# provide_images DIRECTORY NODE_IMAGE REDIS_IMAGE NGINX_IMAGE
provide_images() {
  local directory=$1 node_image=$2 redis_image=$3 nginx_image=$4
  provide_image "$node_image" make_node "$directory" && provide_image "$redis_image" make_redis "$directory" &&
    provide_image "$nginx_image" make_nginx "$directory"
}

# provide_image IMAGE MAKE DIRECTORY
provide_image() {
  local image=$1 make=$2 directory=$3
  local cached="${WARREN_IMAGE_CACHE:-$directory}/${image//[:\/]/_}.tar"
  if docker image inspect "$image" >/dev/null 2>&1; then return; fi
  if timeout 300 docker pull --quiet "$image" >"$directory/pull.log" 2>&1; then
    echo "# $image: pulled"
  elif [ "$engine" != private ]; then
    # In an engine that others use, a stand-in under a real image's name would be a trap.
    echo "$image cannot be pulled; ENGINE=private makes stand-ins in an engine of their own." >&2
    return 1
  elif [ -s "$cached" ]; then
    timeout 120 docker load --quiet --input "$cached" >/dev/null && echo "# $image: a stand-in, from the cache"
  else
    echo "# $image: cannot be pulled, making a stand-in"
    "$make" "$image" "$directory" >"$directory/$make.log" 2>&1 || { tail -20 "$directory/$make.log" >&2; return 1; }
    if [ -n "${WARREN_IMAGE_CACHE:-}" ]; then
      mkdir -p "$WARREN_IMAGE_CACHE" && docker save --output "$cached.part" "$image" && mv "$cached.part" "$cached"
    fi
  fi
}

# make_debian DIRECTORY [SUITE]: what all stand on, Debian 13 with what the official slim images have, from the mirror that apt uses here.
make_debian() {
  local directory=$1 suite=${2:-trixie} mirror
  if docker image inspect "stand-in-debian:$suite" >/dev/null 2>&1; then return; fi
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Component: main' 2>/dev/null |
    grep '/debian$' | head -n 1)
  [ -n "$mirror" ] || { echo 'the sources of apt name no mirror of Debian' >&2; return 1; }
  # The script by its name, since an older debootstrap does not know newer suites.
  timeout 600 debootstrap --variant=minbase "$suite" "$directory/debian" "$mirror" sid || return
  tar -C "$directory/debian" -c . | docker import - "stand-in-debian:$suite" || return
  rm -rf "$directory/debian"
}

make_node() {
  local image=$1 directory=$2 context="$2/node" npmrc="$2/node/npmrc"
  make_debian "$directory" || return
  mkdir -p "$context" || return
  timeout 300 npm install --prefix "$context/package" --no-save --no-package-lock node@24 || return
  cp "$(find "$context/package" -type f -name node -size +10M | head -n 1)" "$context/node" || return
  cp -rL "$(npm root --global)/npm" "$context/npm" || return
  npm_settings "$context" >"$npmrc" || return
  cat >"$context/Dockerfile" <<'EOF'
FROM stand-in-debian:trixie
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
COPY npmrc /usr/local/etc/npmrc
COPY certificates.pem /usr/local/etc/certificates.pem
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
CMD ["node"]
EOF
  build "$image" "$context"
}

# This machine's npm settings, as far as they say how the registry is reached. Credentials stay here.
npm_settings() {
  local context=$1 setting value
  : >"$context/certificates.pem"
  for setting in registry proxy https-proxy noproxy strict-ssl; do
    value=$(npm config get "$setting" 2>/dev/null)
    if [ -n "$value" ] && [ "$value" != null ] && [ "$value" != undefined ]; then echo "$setting=$value"; fi
  done
  value=$(npm config get cafile 2>/dev/null)
  [ -f "$value" ] || value=${NODE_EXTRA_CA_CERTS:-}
  if [ -f "$value" ]; then
    cp "$value" "$context/certificates.pem"
    echo 'cafile=/usr/local/etc/certificates.pem'
  fi
}

# Like the official image in what the compose file relies on: the user and its ids, /data and its owner, bash, no
# protected mode, and an entry point that gives up root only where it has it.
make_redis() {
  local image=$1 directory=$2 context="$2/redis"
  make_debian "$directory" || return
  mkdir -p "$context" || return
  cat >"$context/docker-entrypoint.sh" <<'EOF'
#!/bin/bash
set -e
if [ "$1" = redis-server ]; then set -- "$@" --protected-mode no; fi
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  chown -R redis /data
  exec setpriv --reuid redis --regid redis --clear-groups "$@"
fi
exec "$@"
EOF
  chmod 755 "$context/docker-entrypoint.sh"
  cat >"$context/Dockerfile" <<'EOF'
FROM stand-in-debian:trixie
RUN groupadd --system --gid 999 redis && useradd --system --gid redis --uid 999 redis \
 && apt-get update && apt-get install --yes --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/* \
 && mkdir /data && chown redis:redis /data
WORKDIR /data
COPY docker-entrypoint.sh /usr/local/bin/
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["redis-server"]
EOF
  build "$image" "$context"
}

# Like the official image in what the compose file and the configuration rely on: the user and its ids, the temporary files under /var/cache/nginx,
# the owner of that folder, logs to the container's output, and a version that looks the names of an upstream up again (1.27.3 or later, so not Debian 13's).
make_nginx() {
  local image=$1 directory=$2 context="$2/nginx"
  make_debian "$directory" forky || return
  mkdir -p "$context" || return
  cat >"$context/nginx.conf" <<'EOF'
user nginx;
worker_processes auto;
error_log /var/log/nginx/error.log notice;
pid /run/nginx.pid;
events { worker_connections 1024; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log /var/log/nginx/access.log;
  sendfile on;
  keepalive_timeout 65;
  include /etc/nginx/conf.d/*.conf;
}
EOF
  cat >"$context/Dockerfile" <<'EOF'
FROM stand-in-debian:forky
RUN groupadd --system --gid 101 nginx && useradd --system --gid nginx --uid 101 --home-dir /var/cache/nginx --no-create-home nginx \
 && apt-get -o Acquire::Check-Valid-Until=false update && apt-get install --yes --no-install-recommends nginx-light && rm -rf /var/lib/apt/lists/* /var/lib/nginx \
 && mkdir /var/cache/nginx && ln -s /var/cache/nginx /var/lib/nginx \
 && ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log \
 && touch /etc/nginx/conf.d/default.conf
COPY nginx.conf /etc/nginx/nginx.conf
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
EOF
  build "$image" "$context"
}
