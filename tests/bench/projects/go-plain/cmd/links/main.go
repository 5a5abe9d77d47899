// Command links serves short links from a file.
package main

import (
	"flag"
	"net/http"
	"os"

	"github.com/rs/zerolog"

	"example.org/links/internal/store"
	"example.org/links/internal/web"
)

// version is set by the linker.
var version = "unknown"

func main() {
	address := flag.String("listen", ":8080", "where to listen")
	file := flag.String("database", "/data/links.json", "where the links are kept")
	flag.Parse()
	log := zerolog.New(os.Stderr).With().Timestamp().Logger()
	links, err := store.Open(*file)
	if err != nil {
		log.Fatal().Err(err).Msg("the links cannot be read")
	}
	log.Info().Str("version", version).Str("address", *address).Msg("listening")
	log.Fatal().Err(http.ListenAndServe(*address, web.Handler(links, log))).Msg("done")
}
