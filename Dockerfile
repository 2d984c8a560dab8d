# Two stages: the first has npm, the compiler and everything they need; the last one gets only what runs.
# Debian 13 because the prebuilt uWebSockets.js for Node 24 wants glibc 2.38 or later (so no Alpine and no Debian 12).
# Nothing here needs BuildKit: the classic builder makes the same image.

FROM node:24-trixie-slim AS build
WORKDIR /warren

# Modules first: they change less often than the sources, and this layer is the slow one. Install scripts stay
# off: classic-level and uWebSockets.js bring prebuilt binaries, and a script that falls back to compiling would only fail later.
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts

COPY . .
RUN npm run build

# Leave the production modules without the compiler, which npm keeps because valibot names it as an optional peer, and of
# uWebSockets.js' forty binaries (250 MB) and of classic-level's eight platforms the ones that this Node loads. Loading both native modules here makes a binary
# that does not fit this Node or libc fail the build instead of the first start.
RUN npm prune --omit=dev --ignore-scripts \
 && rm -rf node_modules/typescript node_modules/.bin \
 && fitting="uws_$(node -p 'process.platform + "_" + process.arch + "_" + process.versions.modules').node" \
 && find node_modules/uWebSockets.js -name '*.node' ! -name "$fitting" -delete \
 && rm -rf node_modules/uWebSockets.js/docs node_modules/uWebSockets.js/examples node_modules/classic-level/deps \
 && find node_modules/classic-level/prebuilds -name '*.node' ! -path "*/linux-$(node -p process.arch)/*" -delete \
 && find node_modules -type d -empty -delete \
 && node -e 'Promise.all(["uWebSockets.js", "classic-level"].map((name) => import(name)))' \
 && mkdir /data


FROM node:24-trixie-slim

# A server needs no package manager, and whoever breaks into one should find none.
RUN rm -rf /usr/local/lib/node_modules /opt/yarn* \
    /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg

WORKDIR /warren
COPY --from=build /warren/package.json /warren/LICENSE ./
COPY --from=build /warren/node_modules node_modules
COPY --from=build /warren/dist/workers dist/workers
COPY --from=build /warren/dist/src dist/src

# The user `node` of the base image, as numbers, so that an orchestrator can see that it is not root. All of /warren
# belongs to root: the process can change nothing but its data.
COPY --from=build --chown=1000:1000 /data /data
VOLUME /data
USER 1000:1000

# V8's limits for a container of 512 MB (docs/configuration.md, "Memory"): 96 MB for the main thread's old space, and three semi-spaces
# of 8 MB; V8 would make them 1 MB beside so small an old space, and collect at every turn. Left alone it would take 256 MB
# for the main thread. These flags would beat the limits of the other threads too, so the server takes them back before it
# starts its threads; those have OWNER_HEAP_MB and FORMAT_HEAP_MB. All ceilings together are 428 MB.
ENV NODE_ENV=production \
    NODE_OPTIONS="--max-old-space-size=96 --max-semi-space-size=8" \
    SERVING_HOST_PORT=0.0.0.0:8080 \
    DATA_DIR=/data
EXPOSE 8080

# Bash speaks enough HTTP for this in 3 ms; a Node for it would take 45 ms of the one CPU and tens of megabytes each time. It proves that the main thread turns. Docker restarts nothing on it: that is the watchdog's part.
HEALTHCHECK --interval=5s --timeout=3s --start-period=15s --retries=3 CMD ["bash", "-c", \
  "exec 3<>/dev/tcp/127.0.0.1/${SERVING_HOST_PORT##*:} && printf 'GET /health HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && read -rt 2 _ status _ <&3 && [ \"$status\" = 200 ]"]

# Exec form, so that SIGTERM reaches Node itself and no shell in between.
STOPSIGNAL SIGTERM
CMD ["node", "--enable-source-maps", "dist/src/main.js"]
