FROM golang:1.23 AS Build
workdir /src
copy . .
run go build -o /app . && \

    echo built
FROM debian:bookworm-slim
COPY --from=Build /app /app
CMD /app
