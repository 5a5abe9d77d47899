FROM debian:bookworm-slim AS Out
COPY app.js /out/
FROM node:20-slim AS tools
WORKDIR /app
COPY --from=Out /out /srv/out
copy run.sh /srv/
run chmod +x /srv/run.sh && \

    chmod 755 /srv/run.sh
RUN apt-get update && apt-get install -y curl
copy package.json package-lock.json app.js ./
RUN npm ci
FROM node:20-slim
WORKDIR /app
COPY .npmrc app.js package.json package-lock.json ./
RUN npm ci
FROM node:20-slim
WORKDIR /app
COPY .npmrc ./
RUN apt-get update && apt-get install -y curl
RUN npm ci
FROM golang:1.23
WORKDIR /src
COPY . .
RUN apt-get update && apt-get install -y curl
RUN go build -o /app .
FROM golang:1.23
WORKDIR /src
COPY package.json package-lock.json go.mod go.sum main.go ./
RUN npm ci
RUN go build -o /app .
FROM node:20-slim
WORKDIR /app
COPY package.json package-lock.json app.js ./
RUN apt-get update && apt-get install -y curl
RUN npm ci
FROM golang:1.23
WORKDIR /src
COPY package.json package-lock.json go.mod go.sum main.go ./
RUN apt-get update && apt-get install -y git
RUN npm ci
RUN go build -o /app .
