package lookup

import "github.com/troupe-automation/troupe/value"

// unvault gives the texts of files, decrypted, to the last byte.
func unvault(c *Call) ([]value.Value, error) {
	var out []value.Value
	for _, t := range c.Terms {
		name, err := text(t)
		if err != nil {
			return nil, err
		}
		path := c.find("files", name)
		if path == "" {
			return nil, errorf("Unable to find file matching \"%s\" ", name)
		}
		data, err := c.read(path)
		if err != nil {
			return nil, errorf("%s", err.Error())
		}
		out = append(out, value.Str(data))
	}
	return out, nil
}
