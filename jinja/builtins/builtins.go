package builtins

import (
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

// New returns an environment with Jinja's own filters, tests and globals.
func New() *jinja.Environment {
	e := jinja.New()
	e.AddFilters(Filters()...)
	e.AddTests(Tests()...)
	for name, v := range Globals() {
		e.Globals[name] = v
	}
	return e
}

// Filters returns all filters of Jinja 3.1.
func Filters() []jinja.Filter {
	var all []jinja.Filter
	for _, family := range [][]jinja.Filter{textFilters, sequenceFilters, numberFilters, htmlFilters, valueFilters} {
		all = append(all, family...)
	}
	return all
}

// argError is Jinja's FilterArgumentError.
func argError(format string, args ...any) error {
	return value.Errorf("FilterArgumentError", format, args...)
}

// softStr is markupsafe.soft_str: text stays what it is, everything else is turned into text.
func softStr(v value.Value) (string, error) {
	if u, ok := v.(*value.Undefined); ok {
		return u.Str()
	}
	return value.ToStr(v)
}

// keepMarkup gives text the type of v: Markup stays Markup.
func keepMarkup(v value.Value, s string) value.Value {
	if _, ok := v.(value.Markup); ok {
		return value.Markup(s)
	}
	return value.Str(s)
}

// onText makes a filter out of a function on text.
func onText(fn func(s string) string) jinja.Func {
	return func(c *jinja.Call) (value.Value, error) {
		s, err := softStr(c.Args[0])
		if err != nil {
			return nil, err
		}
		return keepMarkup(c.Args[0], fn(s)), nil
	}
}

// index reads an argument that must be a whole number.
func index(v value.Value) (int, error) {
	n, err := value.Index(v)
	if err != nil {
		return 0, err
	}
	if n > 1<<31 || n < -1<<31 {
		return 0, value.Errorf("OverflowError", "Python int too large to convert to C int")
	}
	return int(n), nil
}

// getter reads an attribute path such as "address.city" or "0.name" from items.
type getter func(item value.Value) (value.Value, error)

func attrParts(attr value.Value) []value.Value {
	if attr == nil || attr == value.None {
		return nil
	}
	s, ok := value.AsString(attr)
	if !ok {
		return []value.Value{attr}
	}
	var parts []value.Value
	for _, p := range strings.Split(s, ".") {
		if n, err := strconv.ParseInt(p, 10, 64); err == nil && p[0] != '-' && p[0] != '+' {
			parts = append(parts, value.Int(n))
		} else {
			parts = append(parts, value.Str(p))
		}
	}
	return parts
}

func attrGetter(ctx *jinja.Context, attr value.Value, ignoreCase bool, def value.Value) getter {
	parts := attrParts(attr)
	return func(item value.Value) (value.Value, error) {
		for _, p := range parts {
			var err error
			if item, err = ctx.GetItem(item, p); err != nil {
				return nil, err
			}
			if _, undef := item.(*value.Undefined); undef && def != nil && def != value.None {
				item = def
			}
		}
		if ignoreCase {
			item = foldCase(item)
		}
		return item, nil
	}
}

func foldCase(v value.Value) value.Value {
	if s, ok := value.AsString(v); ok {
		return value.Str(value.Lower(s))
	}
	return v
}

// multiGetter reads several comma-separated paths into a list.
func multiGetter(ctx *jinja.Context, attr value.Value, ignoreCase bool) getter {
	specs := []value.Value{attr}
	if s, ok := value.AsString(attr); ok {
		specs = nil
		for _, p := range strings.Split(s, ",") {
			specs = append(specs, value.Str(p))
		}
	}
	var gets []getter
	for _, sp := range specs {
		gets = append(gets, attrGetter(ctx, sp, ignoreCase, nil))
	}
	return func(item value.Value) (value.Value, error) {
		l := &value.List{}
		for _, g := range gets {
			v, err := g(item)
			if err != nil {
				return nil, err
			}
			l.Elems = append(l.Elems, v)
		}
		return l, nil
	}
}
