package lookup

import (
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/value"
)

func itoa(n int) string { return strconv.Itoa(n) }

// file gives the texts of files.
func file(c *Call) ([]value.Value, error) {
	lstrip, err := c.boolOption("lstrip", nil)
	if err != nil {
		return nil, err
	}
	rstrip, err := c.boolOption("rstrip", nil)
	if err != nil {
		return nil, err
	}
	var out []value.Value
	for _, t := range c.Terms {
		name, err := text(t)
		if err != nil {
			return nil, err
		}
		path := c.find("files", name)
		if path == "" {
			return nil, lookupErrorf("The 'file' lookup had an issue accessing the file '%s'. file not found, use -vvvvv to see paths searched", name)
		}
		data, err := c.read(path)
		if err != nil {
			why := pyOSError(err, path)
			return nil, lookupErrorf("The 'file' lookup had an issue accessing the file '%s'. an error occurred while trying to read the file '%s': %s. %s", name, path, why, why)
		}
		s := strings.ToValidUTF8(string(data), "\ufffd")
		if lstrip {
			s = strings.TrimLeft(s, " \t\n\r\v\f")
		}
		if rstrip {
			s = strings.TrimRight(s, " \t\n\r\v\f")
		}
		out = append(out, value.Str(s))
	}
	return out, nil
}
