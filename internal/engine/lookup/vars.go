package lookup

import (
	"errors"

	"github.com/troupe-automation/troupe/value"
)

// variables gives the values of variables by name.
func variables(c *Call) ([]value.Value, error) {
	fallback, hasDefault := c.given("default")
	if fallback == value.None {
		hasDefault = false
	}
	var out []value.Value
	for _, t := range c.Terms {
		name, ok := value.AsString(t)
		if !ok {
			shown, _ := value.ToStr(t)
			return nil, errorf("Invalid setting identifier, \"%s\" is not a string, its a %s", shown, pyClass(t))
		}
		v, ok, err := c.Variable(name)
		if u, isUndefined := v.(*value.Undefined); isUndefined {
			ok, err = false, u.Err()
		}
		switch {
		case err == nil && ok:
			out = append(out, v)
		case hasDefault && (err == nil || undefined(err)):
			out = append(out, fallback)
		case err != nil:
			return nil, err
		default:
			return nil, value.Errorf("AnsibleUndefinedVariable", "No variable found with this name: %s", name)
		}
	}
	return out, nil
}

// undefined reports whether an error is about something that is not defined.
func undefined(err error) bool {
	if value.IsUndefined(err) {
		return true
	}
	var e *value.Error
	return errors.As(err, &e) && (e.Class == "AnsibleUndefinedVariable" || e.Class == "UndefinedError")
}
