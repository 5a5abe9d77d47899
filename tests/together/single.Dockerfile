from golang:1.23
WORKDIR /src
ARG BUILD_DATE
LABEL built=$BUILD_DATE
LABEL team shop
expose 8080:80/TCP
Healthcheck CMD true
HEALTHCHECK CMD ["/bin/app", "-check"]
cmd /bin/old
Cmd /bin/app
RUN mkdir /data
COPY go.mod go.sum main.go ./
RUN go build -o /bin/app .
