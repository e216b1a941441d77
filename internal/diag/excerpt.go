package diag

import (
	"bytes"
	"os"
	"strings"

	"github.com/troupe-automation/troupe/internal/source"
)

// maxExcerptFile bounds what an excerpt reads: a diagnostic must not load a disk image.
const maxExcerptFile = 64 << 20

// Excerpt returns the lines of pos's file from `before` lines ahead of pos to `after` lines behind it, without line
// ends, and the number of the first. It reads the file anew: positions are kept for every node, texts are not.
// It returns nil when the file cannot be read, is too large, is encrypted, or has no such line.
func Excerpt(pos source.Pos, before, after int) (lines []string, first int) {
	if pos.File == "" || pos.Line <= 0 {
		return nil, 0
	}
	st, err := os.Stat(pos.File)
	if err != nil || !st.Mode().IsRegular() || st.Size() > maxExcerptFile {
		return nil, 0
	}
	data, err := os.ReadFile(pos.File)
	if err != nil || bytes.HasPrefix(data, []byte("$ANSIBLE_VAULT;")) {
		return nil, 0
	}
	all := splitLines(string(data))
	if pos.Line > len(all) {
		return nil, 0
	}
	first = max(1, pos.Line-before)
	return all[first-1 : min(len(all), pos.Line+after)], first
}

func splitLines(text string) []string {
	lines := strings.Split(text, "\n")
	if n := len(lines); n > 0 && lines[n-1] == "" {
		lines = lines[:n-1]
	}
	for i, l := range lines {
		lines[i] = strings.TrimSuffix(l, "\r")
	}
	return lines
}
