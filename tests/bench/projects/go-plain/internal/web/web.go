// Package web answers requests for links.
package web

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"example.org/links/internal/store"
)

// Handler returns what serves the links.
func Handler(links *store.Links, log zerolog.Logger) http.Handler {
	router := chi.NewRouter()
	router.Handle("/metrics", promhttp.Handler())
	router.Get("/{name}", func(writer http.ResponseWriter, request *http.Request) {
		target, found := links.Target(chi.URLParam(request, "name"))
		if !found {
			http.NotFound(writer, request)
			return
		}
		http.Redirect(writer, request, target, http.StatusFound)
	})
	router.Put("/{name}", func(writer http.ResponseWriter, request *http.Request) {
		if err := links.Set(chi.URLParam(request, "name"), request.FormValue("target")); err != nil {
			log.Error().Err(err).Msg("the link cannot be kept")
			http.Error(writer, "not kept", http.StatusInternalServerError)
		}
	})
	return router
}
