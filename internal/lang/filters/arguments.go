package filters

import (
	"strings"

	"github.com/troupe-automation/troupe/internal/lang/filters/argument"
	"github.com/troupe-automation/troupe/value"
)

// The words of package argument, without the package's name: nearly every line of a filter uses one.
var (
	filterError     = argument.FilterError
	filterTypeError = argument.FilterTypeError
	undefinedArg    = argument.Undefined
	class           = argument.Class
	toText          = argument.Text
	repr            = argument.Repr
	str             = argument.Str
	isList          = argument.List
	noMethod        = argument.NoMethod
)

func truth(v value.Value) (bool, error) { return value.Truth(v) }

func join(parts []string, sep string) string { return strings.Join(parts, sep) }
