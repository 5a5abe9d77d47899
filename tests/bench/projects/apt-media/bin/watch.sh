#!/bin/sh
# usage: watch.sh IN OUT: makes a thumbnail in OUT of each film that is put into IN
set -eu

in=$1 out=$2

thumbnail() {
  name=$(basename "$1")
  ffmpeg -nostdin -loglevel error -y -ss 3 -i "$1" -frames:v 1 \
    -vf "scale=${THUMBNAIL_WIDTH:-320}:-2" "$out/${name%.*}.jpg"
}

for film in "$in"/*.mp4 "$in"/*.mkv; do
  [ -e "$film" ] && thumbnail "$film"
done

inotifywait --monitor --quiet --event close_write --event moved_to --format '%w%f' "$in" |
  while read -r film; do
    case $film in
    *.mp4 | *.mkv | *.webm) thumbnail "$film" || echo "mediabox: no thumbnail of $film" >&2 ;;
    esac
  done
