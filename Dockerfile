# The server with everything it needs. BASE: any image with Node.js 20.19 or newer, npm and glibc.
ARG BASE=docker.io/library/node:24-bookworm-slim

FROM ${BASE} AS build
WORKDIR /build
ENV CI=true
COPY . .
# The root package has the compiler, webchat and console have their bundler; of the others, only what the server runs on is installed and
# compiled.
RUN npx -y pnpm@12 install --frozen-lockfile --filter plugboard --filter @plugboard/webchat --filter @plugboard/console --filter-prod '@plugboard/server...' \
 && npx -y pnpm@12 --filter @plugboard/webchat --filter @plugboard/console build \
 && npx -y pnpm@12 exec tsc -b apps/server \
 && npx -y pnpm@12 --config.inject-workspace-packages=true --filter @plugboard/server deploy --prod /app \
 && chmod +x /app/dist/main.js

FROM ${BASE}
LABEL org.opencontainers.image.title="Plugboard" \
      org.opencontainers.image.description="A self-hosted messaging hub" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /app /app
# Commands: `docker exec CONTAINER plugboard keys list`.
RUN ln -s /app/dist/main.js /usr/local/bin/plugboard && mkdir /data && chown 10001:10001 /data && chmod 700 /data
# In a container, only the network of the container reaches all addresses; publish the port where it is needed.
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3100 DATABASE_URL=file:/data/plugboard.db
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 3100
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/main.js"]
