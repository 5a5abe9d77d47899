FROM debian:bookworm-slim AS Out
COPY app.js /out/
FROM node:20-slim AS web
WORKDIR /app
ENV NPM_TOKEN s3cr3tvalue12
ENV \

    GIT_SHA=1 \
    B=2
env GIT_COMMIT unknown
ARG BUILD_NUMBER API_TOKEN
RUN apt-get update && apt-get install -y git
RUN npm install -g serve@14
ARG TOKEN_BUILD_ID
RUN mkdir /data && apt-get update && apt-get install -y jq
RUN curl -H "$API_TOKEN" -H "$TOKEN_BUILD_ID" -o /a https://example.org/a
FROM debian:bookworm-slim
COPY --from=Out /out /srv/out
RUN apt-get update && apt-get install -y curl
COPY --from=web /usr/local /usr/local
