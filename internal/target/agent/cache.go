package agent

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The starter keeps agents under names made of their content's hash. One that was not used for so long is of an old release.
const (
	keepAgents = 30 * 24 * time.Hour
	touchEvery = 24 * time.Hour
)

// tidyCache marks this agent's file as used, at most once a day, and then removes those that nobody used for long.
// It touches nothing unless the agent runs from a cache directory, and errors do not matter.
func tidyCache() {
	exe, err := os.Executable()
	if err != nil {
		return
	}
	tidy(exe, time.Now())
}

func tidy(exe string, now time.Time) {
	dir := filepath.Dir(exe)
	if !strings.HasPrefix(filepath.Base(exe), "agent-") || !strings.HasPrefix(filepath.Base(dir), "troupe") {
		return
	}
	st, err := os.Stat(exe)
	if err != nil || now.Sub(st.ModTime()) < touchEvery {
		return
	}
	if os.Chtimes(exe, now, now) != nil {
		return
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, f := range files {
		if info, err := f.Info(); err == nil && now.Sub(info.ModTime()) > keepAgents && (strings.HasPrefix(f.Name(), "agent-") || strings.HasPrefix(f.Name(), ".new-")) {
			os.Remove(filepath.Join(dir, f.Name()))
		}
	}
}
