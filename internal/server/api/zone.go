package api

import (
	"io/fs"
	"os"
	"strings"
	"time"
)

// zoneNames are the time zones of this system.
func zoneNames() []string {
	out := []string{"UTC"}
	const root = "/usr/share/zoneinfo"
	fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == "UTC" || path[0] < 'A' || path[0] > 'Z' || strings.Contains(path, ".") {
			return nil
		}
		if _, err := time.LoadLocation(path); err == nil {
			out = append(out, path)
		}
		return nil
	})
	return out
}
