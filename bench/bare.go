package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/meanwhile-app/meanwhile/bench/whip"
)

// serveBare is what we compare with: a file server, and a handler that copies a
// body to a synced file, and a WebRTC receiver that keeps nothing. Nothing else.
func serveBare(folder string) error {
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServer(http.Dir(folder)))
	mux.HandleFunc("PATCH /upload", func(w http.ResponseWriter, r *http.Request) {
		if err := keep(filepath.Join(folder, "upload"), r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	receiver, err := whip.Bare()
	if err != nil {
		return err
	}
	mux.HandleFunc("POST /api/whip", receiver)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("{\"addr\":%q}\n", listener.Addr())
	return http.Serve(listener, mux)
}

// keep copies a body to a file and syncs it.
func keep(name string, body io.Reader) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := io.Copy(file, body); err != nil {
		return err
	}
	return file.Sync()
}
