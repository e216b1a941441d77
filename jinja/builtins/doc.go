// Package builtins holds Jinja's own filters, tests and globals, one file for each family.
//
// Called by whoever sets up an environment; internal/lang/filters adds more on top.
package builtins
