package main

import (
	"net/http"
	"os"
	"os/exec"
	"time"
)

func main() {
	if _, err := time.LoadLocation(os.Args[2]); err != nil {
		panic(err)
	}
	exec.Command("git", "--version").Run()
	http.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) {})
	http.ListenAndServe(":9000", nil)
}
