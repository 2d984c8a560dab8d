# What the test suite needs, on the Node and the Debian of the image. run.sh sends the repository as the build's context and then runs `npm test` in it, not as
# root: tests that mount file systems skip themselves then, and no privileges are needed.
FROM node:24-trixie-slim
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
    redis-server nginx-light haproxy chromium fonts-dejavu-core curl procps util-linux openssl ca-certificates \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /warren
RUN chown node:node /warren
USER node
COPY --chown=node:node package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY --chown=node:node . .
CMD ["npm", "test"]
