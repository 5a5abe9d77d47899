FROM debian:bookworm-slim AS Out
COPY app.js /out/
FROM node:20-slim AS web
COPY --from=Out /out/app.js /opt/shop/
RUN apt-get update && apt-get install -y curl
WORKDIR /app
COPY . .
RUN npm ci
FROM golang:1.23 AS go
WORKDIR /src
COPY . .
RUN apt-get update && apt-get install -y git
RUN go build -o /app .
FROM node:20-slim
WORKDIR /app
COPY .npmrc package.json package-lock.json video.mp4 ./
RUN npm ci
