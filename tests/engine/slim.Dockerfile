# Small images in place of those that programs run on: each target is one, made of Debian's packages (see the script `slim`).
# As the images that they stand for, they hold no compiler, no git, no certificates (debian) and no shell (distroless).
#: debian node python java nginx static static-nonroot base base-nonroot cc cc-nonroot
FROM dockerfix/rootfs:1 AS full
RUN apt-get purge -y ca-certificates openssl libssl3 \
    && find /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale -mindepth 2 -delete \
    && rm -rf /var/cache/* /var/lib/apt/lists/* /var/log/* /usr/local/share/ca-certificates \
    && printf '%s\n' 'path-exclude /usr/share/doc/*' 'path-exclude /usr/share/man/*' 'path-exclude /usr/share/locale/*' \
      > /etc/dpkg/dpkg.cfg.d/docker
RUN printf '%s\n' \
      'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };' \
      'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";' > /etc/apt/apt.conf.d/docker-clean

FROM scratch AS debian
COPY --from=full / /
CMD ["bash"]

# Node and npm at the place and of the version of the image that it was built in.
FROM debian AS node
COPY --from=dockerfix/standin:1 /usr/local/bin/ /usr/local/bin/
COPY --from=dockerfix/standin:1 /usr/local/lib/node_modules/ /usr/local/lib/node_modules/
RUN rm -f /usr/local/bin/python && useradd --create-home --uid 1000 node
CMD ["node"]

FROM debian AS python
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates python3 python3-pip python3-venv \
    && ln -s /usr/bin/python3 /usr/local/bin/python && rm -rf /var/lib/apt/lists/*
CMD ["python3"]

# Debian's package links its manual pages, wherever they are.
FROM debian AS java
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl openjdk-17-jre-headless \
    && rm -rf /var/lib/apt/lists/*

# The image of nginx serves /usr/share/nginx/html by a file in conf.d, and logs to its standard output.
FROM debian AS nginx
RUN apt-get update && apt-get install -y --no-install-recommends nginx-light && rm -rf /var/lib/apt/lists/* /var/www/html \
    && rm -rf /etc/nginx/sites-* /usr/share/nginx/html/* && sed -i '/sites-enabled/d' /etc/nginx/nginx.conf \
    && ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log
COPY <<'CONF' /etc/nginx/conf.d/default.conf
server {
    listen 80;
    location / {
        root /usr/share/nginx/html;
        index index.html index.htm;
    }
}
CONF
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]

# Distroless: the files of a few packages, and accounts.
FROM dockerfix/rootfs:1 AS files
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1
RUN <<'SCRIPT'
    set -eu
    copy() { # the files of packages, without documentation; /lib is a link to /usr/lib
        to=$1 && shift && mkdir -p "$to/usr/lib64"
        dpkg -L "$@" | grep -v ^/usr/share/doc | sed 's,^/lib,/usr/lib,' | while read -r path; do
            [ -d "$path" ] && [ ! -L "$path" ] || printf '%s\n' "$path"
        done | sort -u | tar -c -T - | tar -C "$to" -x
        ln -s usr/lib usr/lib64 "$to"
    }
    copy /static tzdata
    copy /base libc6 libssl3
    copy /cc libgcc-s1 libstdc++6 libgomp1
    cd /static
    mkdir -p -m 755 etc/ssl/certs home && mkdir -m 1777 tmp && mkdir -m 700 root home/nonroot
    chown 65532:65532 home/nonroot
    cp -L /etc/ssl/certs/ca-certificates.crt etc/ssl/certs/ && cp -L /etc/os-release etc/
    printf '%s\n' root:x:0:0:root:/root:/sbin/nologin nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin \
        nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin > etc/passwd
    printf '%s\n' root:x:0: nobody:x:65534: nonroot:x:65532: > etc/group
    echo 'hosts: files dns' > etc/nsswitch.conf
SCRIPT

FROM scratch AS static
COPY --from=files /static /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
WORKDIR /

FROM static AS static-nonroot
USER 65532
WORKDIR /home/nonroot

FROM static AS base
COPY --from=files /base /

FROM base AS base-nonroot
USER 65532
WORKDIR /home/nonroot

FROM base AS cc
COPY --from=files /cc /

FROM cc AS cc-nonroot
USER 65532
WORKDIR /home/nonroot
