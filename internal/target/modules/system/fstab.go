package system

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// fstabFile is the table of file systems. Comments and lines that are none stay as they are.
type fstabFile struct {
	path          string
	check, backup bool
	text          string
	written       bool
	kept          string // name of the backup
}

// fstabLine has the columns by name.
type fstabLine map[string]string

var fstabColumns = []string{"src", "name", "fstype", "opts", "dump", "passno"}

// escaped replaces what separates columns.
func (l fstabLine) escaped() fstabLine {
	out := fstabLine{}
	for k, v := range l {
		out[k] = strings.NewReplacer(`\`, `\134`, " ", `\040`, "&", `\046`).Replace(v)
	}
	return out
}

func (l fstabLine) String() string {
	words := make([]string, len(fstabColumns))
	for i, k := range fstabColumns {
		words[i] = l[k]
	}
	return strings.Join(words, " ") + "\n"
}

// read reads the file; one that is missing is made, as an empty one, unless in check mode.
func (f *fstabFile) read() error {
	data, err := os.ReadFile(f.path)
	if os.IsNotExist(err) {
		if f.check {
			return nil
		}
		if err = os.MkdirAll(filepath.Dir(f.path), 0o777); err == nil {
			err = hostos.WriteFile(hostos.RealPath(f.path), nil, true)
		}
	}
	switch {
	case os.IsPermission(err):
		return module.Fail(fmt.Sprintf("Failed to open %s due to permission issue", f.path), nil)
	case err != nil:
		return module.Fail(fmt.Sprintf("Failed to open %s due to %s", f.path, pathError(err, f.path)), nil)
	}
	if !utf8.Valid(data) {
		return module.Fail("The file "+f.path+" is not text in UTF-8", nil)
	}
	f.text = string(data)
	return nil
}

// lines calls edit for every line, with the columns of those that have at least least, and puts what it returns in the line's place.
func (f *fstabFile) lines(least int, edit func(line string, columns fstabLine) string) string {
	var out strings.Builder
	for line := range strings.Lines(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(f.text)) {
		words := strings.Fields(line)
		if len(words) < least || len(words) > len(fstabColumns) || words[0][0] == '#' {
			out.WriteString(line)
			continue
		}
		columns := fstabLine{}
		for i, w := range words {
			columns[fstabColumns[i]] = w
		}
		out.WriteString(edit(line, columns))
	}
	return out.String()
}

// about says whether a line is the one of the wanted mount point: of swap areas, which have none, the one of the source.
func (l fstabLine) about(want fstabLine) bool {
	src, given := want["src"]
	return l["name"] == want.escaped()["name"] && (l["name"] != "none" || l["fstype"] != "swap" || !given || l["src"] == src)
}

// set brings the mount point's line to the wanted one, or adds it.
func (f *fstabFile) set(want fstabLine) (changed bool, err error) {
	there := false
	if f.text != "" && !strings.HasSuffix(f.text, "\n") {
		f.text += "\n"
	}
	text := f.lines(4, func(line string, have fstabLine) string {
		if !have.about(want) {
			return line
		}
		there = true
		for k, v := range want.escaped() {
			old, ok := have[k]
			changed = changed || !ok || old != v
		}
		if !changed {
			return line
		}
		return want.escaped().String()
	})
	if !there {
		changed = true
		text += want.escaped().String()
	}
	return changed, f.write(text, changed)
}

// unset takes the mount point's line out. It must be complete.
func (f *fstabFile) unset(want fstabLine) (changed bool, err error) {
	text := f.lines(len(fstabColumns), func(line string, have fstabLine) string {
		if !have.about(want) {
			return line
		}
		changed = true
		return ""
	})
	err = f.write(text, changed)
	f.kept = "" // only told of lines that are set
	return changed, err
}

func (f *fstabFile) write(text string, changed bool) (err error) {
	if !changed || f.check {
		return nil
	}
	if f.backup {
		if f.kept, err = hostos.Backup(f.path); err != nil {
			return module.Fail(err.Error(), nil)
		}
	}
	if err := hostos.WriteFile(hostos.RealPath(f.path), []byte(text), true); err != nil {
		return module.Fail(fmt.Sprintf("Failed to write to file %s: %s", f.path, hostos.Errno(err)), nil)
	}
	f.written = true
	return nil
}

// restore puts the text back that was there. It is the second failure of a task that fails anyhow, so it says nothing of its own.
func (f *fstabFile) restore() {
	if f.written {
		_ = hostos.WriteFile(hostos.RealPath(f.path), []byte(f.text), true)
	}
}
