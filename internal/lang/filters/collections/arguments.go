package collections

import (
	"github.com/troupe-automation/troupe/internal/lang/filters/argument"
	"github.com/troupe-automation/troupe/value"
)

// The words of package argument, without the package's name: nearly every line of a filter uses one.
var (
	toText       = argument.Text
	filterError  = argument.FilterError
	undefinedArg = argument.Undefined
	class        = argument.Class
	repr         = argument.Repr
	isList       = argument.List
)

func truth(v value.Value) (bool, error) { return value.Truth(v) }

func textOf(v value.Value) string {
	s, _ := value.ToStr(v)
	return s
}
