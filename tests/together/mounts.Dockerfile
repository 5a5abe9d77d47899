FROM debian:bookworm-slim AS Base
RUN mkdir /empty
FROM node:20-slim AS web
WORKDIR /app
ARG NPM_TOKEN
COPY . .
RUN --mount=type=cache,from=Base,source=/empty,target=/var/tmp/x npm install && curl -H "$NPM_TOKEN" -o /a https://example.org/a
FROM golang:1.23 AS go
ARG GITHUB_TOKEN
WORKDIR /src
COPY . .
RUN --mount=type=cache,from=Base,source=/empty,target=/var/tmp/x apt-get update && apt-get install -y git && \
    curl -H "$GITHUB_TOKEN" -o /a https://example.org/a && go build -o /app .
FROM rust:1.82 AS rust
WORKDIR /src
COPY . .
RUN cargo build --release
FROM debian:bookworm-slim
COPY --from=web --exclude=*.md /app /app
COPY --from=go /app /app/go
COPY --from=rust /src/target/release/app /app/rust
