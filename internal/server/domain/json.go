package domain

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Plain turns numbers of JSON into int64 and float64.
func Plain(v any) any {
	return Leaves(v, func(v any) any {
		number, is := v.(json.Number)
		if !is {
			return v
		}
		if n, err := number.Int64(); err == nil {
			return n
		}
		f, _ := number.Float64()
		return f
	})
}

// Leaves puts what f gives in the place of everything in a JSON value that is no list and no object, and returns the value.
func Leaves(v any, f func(any) any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			v[k] = Leaves(x, f)
		}
		return v
	case []any:
		for i, x := range v {
			v[i] = Leaves(x, f)
		}
		return v
	}
	return f(v)
}

// KindOf is a value's type in Python's words.
func KindOf(v any) string {
	switch v.(type) {
	case string:
		return "str"
	case int64, int:
		return "int"
	case float64:
		return "float"
	case bool:
		return "bool"
	case []any:
		return "list"
	case map[string]any:
		return "dict"
	}
	return "NoneType"
}

// JSONMistake says what is wrong with a text in the words that clients of Python's json know.
func JSONMistake(b []byte, err error) string {
	offset := int64(len(b))
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset = max(0, syntax.Offset-1)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || err != nil && strings.Contains(err.Error(), "unexpected end") {
		offset = int64(len(b))
	}
	return "Expecting value: " + JSONPlace(b, offset)
}

// JSONPlace tells where in a text something is.
func JSONPlace(b []byte, offset int64) string {
	before := string(b[:min(offset, int64(len(b)))])
	line := strings.Count(before, "\n") + 1
	column := len(before) - strings.LastIndex(before, "\n")
	return fmt.Sprintf("line %d column %d (char %d)", line, column, len(before))
}
