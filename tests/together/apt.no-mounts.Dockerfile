FROM --platform=$TARGETPLATFORM debian:bookworm-slim AS Base
RUN echo base > /base
from --platform=$TARGETPLATFORM python:3.12-slim AS Tools
RUN --mount=type=bind,from=Base,source=/base,target=/base apt-get update
RUN --mount=type=bind,from=Base,source=/base,target=/base apt-get install -y git && \

    pip install flask==3.0.3
FROM node:20-slim as web
ARG NPM_TOKEN
WORKDIR /app
copy . .
RUN apt-get update
RUN apt-get install -y git && npm install && curl -H "$NPM_TOKEN" -o /a https://example.org/a
FROM golang:1.23 as go
WORKDIR /src
COPY . .
RUN apt-get update
RUN apt-get install -y git && go build -o /app .
FROM python:3.12-slim AS final
COPY --from=Tools /usr/bin/git /usr/bin/git
