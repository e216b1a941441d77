package lookup

import (
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// inline reads a term like "key file=x.csv col=2": the free words, and the options behind them.
func (c *Call) inline(term string, missing string) (free string, options map[string]value.Value, err error) {
	args, rest, err := playbook.ParseKV(term, false, source.Pos{})
	if err != nil {
		return "", nil, errorf("%s", err)
	}
	if rest == nil && c.Name != "ini" { // which looks at the options first
		return "", nil, errorf("%s", missing)
	}
	options = map[string]value.Value{}
	for k, v := range args.All() {
		name, _ := value.AsString(k)
		known := false
		for _, s := range config.PluginOptions("lookup", c.Name) {
			known = known || s.Name == name || s.Name == "allow_no_value" && name == "allow_none"
		}
		if !known {
			return "", nil, errorf("%s is not a valid option", name)
		}
		options[name] = value.Str(shownText(v))
	}
	if rest == nil {
		return "", nil, errorf("%s", missing)
	}
	return strings.TrimRight(shownText(rest), " "), options, nil // the blanks before the options are no part of it
}

// csvfile gives a column of the row whose key column is the term.
func csvfile(c *Call) ([]value.Value, error) {
	const missing = "Search key is required but was not found"
	if len(c.Terms) == 0 {
		return nil, errorf(missing)
	}
	var out []value.Value
	for _, t := range c.Terms {
		term, err := text(t)
		if err != nil {
			return nil, err
		}
		key, options, err := c.inline(term, missing)
		if err != nil {
			return nil, err
		}
		found, ok, err := c.csvRow(key, options)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, flatten([]value.Value{found})...)
		}
	}
	return out, nil
}

func (c *Call) csvRow(key string, options map[string]value.Value) (value.Value, bool, error) {
	file, err := c.textOption("file", options)
	if err != nil {
		return nil, false, err
	}
	delimiter, err := c.textOption("delimiter", options)
	if err != nil {
		return nil, false, err
	}
	if delimiter == "TAB" || delimiter == "t" || delimiter == `\t` {
		delimiter = "\t"
	}
	column, err := c.textOption("col", options)
	if err != nil {
		return nil, false, err
	}
	keyColumn, _, err := c.intOption("keycol", options)
	if err != nil {
		return nil, false, err
	}
	fallback, err := c.option("default", options)
	if err != nil {
		return nil, false, err
	}
	path := c.find("files", file)
	if path == "" {
		return nil, false, errorf("csvfile: [Errno 2] No such file or directory: b'None'")
	}
	data, err := c.read(path)
	if err != nil {
		return nil, false, errorf("csvfile: %s", pyOSError(err, path))
	}
	content, err := c.decoded(data, options)
	if err != nil {
		return nil, false, err
	}
	runes := []rune(delimiter)
	if len(runes) != 1 {
		return nil, false, errorf("csvfile: \"delimiter\" must be a 1-character string")
	}
	for _, row := range csvRows(content, runes[0]) {
		cell := func(n int) (string, bool) {
			if n < 0 {
				n += len(row)
			}
			if n < 0 || n >= len(row) {
				return "", false
			}
			return row[n], true
		}
		have, ok := cell(keyColumn)
		if !ok {
			return nil, false, errorf("csvfile: list index out of range")
		}
		if have != key {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(column))
		if err != nil {
			return nil, false, errorf("csvfile: invalid literal for int() with base 10: '%s'", column)
		}
		v, ok := cell(n)
		if !ok {
			return nil, false, errorf("csvfile: list index out of range")
		}
		return value.Str(v), true, nil
	}
	return fallback, fallback != value.None, nil
}
