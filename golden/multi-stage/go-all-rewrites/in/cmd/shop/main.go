package main

import (
	"html/template"
	"net/http"
	"os"
)

var pages = template.Must(template.ParseGlob("templates/*.html"))

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		pages.ExecuteTemplate(w, "index.html", r.URL.Path)
	})
	http.ListenAndServe(":"+os.Getenv("PORT"), nil)
}
