# syntax=docker/dockerfile:1

FROM node:24-bookworm-slim AS frontend
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY frontend/ ./
RUN npm run build

FROM golang:1.26-bookworm AS binary
ARG VERSION=docker
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=frontend /src/frontend/dist frontend/dist
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
    -ldflags "-s -w -buildid= -X main.version=${VERSION}" -o /meanwhile ./cmd/meanwhile

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates ffmpeg \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --home-dir /data --no-create-home --shell /usr/sbin/nologin meanwhile \
    && install -d -o meanwhile -g meanwhile -m 0750 /data
COPY --from=binary /meanwhile /usr/local/bin/meanwhile
USER 10001:10001
# A worker says how it is where the health check asks.
ENV MEANWHILE_ADDR=0.0.0.0:8080 \
    MEANWHILE_WORKER_ADDR=127.0.0.1:8080 \
    MEANWHILE_DATA=/data
VOLUME /data
EXPOSE 8080
# Servers finish requests, and everybody hands jobs back, within half a minute:
# docker stop --time 60, or stop_grace_period.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["meanwhile", "doctor", "--health"]
ENTRYPOINT ["meanwhile"]
CMD ["serve"]
