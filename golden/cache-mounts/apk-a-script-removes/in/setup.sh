apk add git
rm -rf /var/cache/apk
