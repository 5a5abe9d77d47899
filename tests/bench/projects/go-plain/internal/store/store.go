// Package store keeps links in a file.
package store

import (
	"errors"
	"io/fs"
	"os"
	"sync"

	"github.com/goccy/go-json"
)

// Links are targets by their short names.
type Links struct {
	mutex   sync.RWMutex
	file    string
	targets map[string]string
}

// Open reads the links of a file; there need not be one yet.
func Open(file string) (*Links, error) {
	links := &Links{file: file, targets: map[string]string{}}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return links, nil
	}
	if err != nil {
		return nil, err
	}
	return links, json.Unmarshal(data, &links.targets)
}

// Target returns where a link leads.
func (links *Links) Target(name string) (string, bool) {
	links.mutex.RLock()
	defer links.mutex.RUnlock()
	target, found := links.targets[name]
	return target, found
}

// Set makes a link lead to a target.
func (links *Links) Set(name, target string) error {
	links.mutex.Lock()
	defer links.mutex.Unlock()
	links.targets[name] = target
	data, err := json.Marshal(links.targets)
	if err != nil {
		return err
	}
	return os.WriteFile(links.file, data, 0o600)
}
