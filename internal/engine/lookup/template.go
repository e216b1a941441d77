package lookup

import (
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/value"
)

// templateFiles gives rendered template files.
func templateFiles(c *Call) ([]value.Value, error) {
	var o FileOptions
	var err error
	if o.Convert, err = c.boolOption("convert_data", nil); err != nil {
		return nil, err
	}
	if o.Native, err = c.boolOption("jinja2_native", nil); err != nil {
		return nil, err
	}
	for name, into := range map[string]*string{
		"variable_start_string": &o.VariableStart, "variable_end_string": &o.VariableEnd,
		"comment_start_string": &o.CommentStart, "comment_end_string": &o.CommentEnd,
	} {
		if *into, err = c.textOption(name, nil); err != nil {
			return nil, err
		}
	}
	vars, err := c.option("template_vars", nil)
	if err != nil {
		return nil, err
	}
	own := value.NewDict()
	if d, ok := vars.(*value.Dict); ok {
		own = d.Copy()
	}
	var out []value.Value
	for _, t := range c.Terms {
		name, err := text(t)
		if err != nil {
			return nil, err
		}
		path := c.find("templates", name)
		if path == "" {
			return nil, errorf("the template file %s could not be found for the lookup", name)
		}
		data, err := c.read(path)
		if err != nil {
			return nil, errorf("%s", pyOSError(err, path))
		}
		o.Path, o.Vars = path, own
		o.SearchPath = []string{filepath.Dir(path)}
		for _, dir := range append(append([]string(nil), c.SearchPath()...), c.Basedir()) {
			o.SearchPath = append(o.SearchPath, filepath.Join(dir, "templates"), dir)
		}
		v, err := c.RenderFile(strings.ToValidUTF8(string(data), "\ufffd"), o)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
