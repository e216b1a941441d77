package hostos

import (
	"os/exec"
	"slices"
)

// Interpreters are the existing ones of a list of Python interpreters, of INTERPRETER_PYTHON_FALLBACK's default when it is empty.
func Interpreters(probe []string) []string {
	if len(probe) == 0 {
		probe = []string{"python3.13", "python3.12", "python3.11", "python3.10", "python3.9", "python3.8", "/usr/bin/python3", "python3", "/usr/libexec/platform-python"}
	}
	var found []string
	for _, name := range probe {
		if file, err := exec.LookPath(name); err == nil && !slices.Contains(found, file) {
			found = append(found, file)
		}
	}
	return found
}
