FROM --platform=$TARGETPLATFORM node:20-slim as Build
workdir app
ARG NPM_TOKEN
Env MODE fast
COPY . .
run npm install --audit && \

    echo "$NPM_TOKEN" > /dev/null
Expose 8080:80/TCP
cmd node old.js
CMD node app.js
