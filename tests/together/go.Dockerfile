# check=experimental=all
# Everything below is for production.
FROM golang:1.23 AS build
workdir /src
copy . .
run go mod download && \

    go build -o /app .
# small
FROM debian:bookworm-slim as run
Run apt-get update && apt-get install -y curl && \

    echo ok > /ok
COPY --from=build /app /app
CMD /app
