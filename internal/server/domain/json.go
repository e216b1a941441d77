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
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case map[string]any:
		for k, x := range v {
			v[k] = Plain(x)
		}
	case []any:
		for i, x := range v {
			v[i] = Plain(x)
		}
	}
	return v
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
