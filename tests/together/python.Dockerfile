FROM debian:bookworm-slim as Base
RUN apt-get update
run apt-get install -y curl && \

    rm -rf /var/lib/apt/lists/*
MAINTAINER Jane Doe
from python:3.12-slim as Final
Arg GIT_SHA
Env COMMIT $GIT_SHA
WORKDIR app
add requirements.txt ./
Add . .
Run pip install --no-cache-dir -r requirements.txt
RUN --mount=type=bind,from=Base,source=/etc,target=/base apt-get update && apt-get install -y git
Copy --from=Base /usr/bin/curl /usr/bin/curl
EXPOSE 80 8000/TCP
ENTRYPOINT python old.py
entrypoint python app.py
