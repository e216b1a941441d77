package lookup

import "github.com/troupe-automation/troupe/value"

// items gives its terms, lists among them taken apart one level deep.
func items(c *Call) ([]value.Value, error) { return flatten(c.Terms), nil }
