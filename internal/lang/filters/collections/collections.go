// Package collections holds filters and tests of widely used collections (community.general, ansible.utils), one file for
// each family. Names are known short, as Ansible's redirects give them, and in full.
//
// Called by internal/lang/filters.
package collections

import "github.com/troupe-automation/troupe/jinja"

// family is what one file adds.
type family struct {
	collections []string
	filters     []jinja.Filter
	tests       []jinja.Filter
}

var families = []family{queries, ipaddrs, general}

// Filters returns all filters under all their names.
func Filters() []jinja.Filter {
	out := append([]jinja.Filter(nil), fullNameOnly...)
	for _, f := range families {
		out = append(out, f.named(f.filters)...)
	}
	return out
}

// Tests returns all tests under all their names.
func Tests() []jinja.Filter {
	var out []jinja.Filter
	for _, f := range families {
		out = append(out, f.named(f.tests)...)
	}
	return out
}

func (f family) named(fs []jinja.Filter) []jinja.Filter {
	out := append([]jinja.Filter(nil), fs...)
	for _, c := range f.collections {
		for _, flt := range fs {
			flt.Name = c + "." + flt.Name
			out = append(out, flt)
		}
	}
	return out
}
