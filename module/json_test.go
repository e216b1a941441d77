package module

import (
	"reflect"
	"testing"
)

func TestDecodeJSON(t *testing.T) {
	got, err := DecodeJSON([]byte(` {"a": [1, 1.0, 9223372036854775808, "1"], "b": {"c": -5}, "d": null} `))
	want := map[string]any{"a": []any{int64(1), 1.0, 9223372036854775808.0, "1"}, "b": map[string]any{"c": int64(-5)}, "d": nil}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%#v, %v", got, err)
	}
	for _, bad := range []string{"", "{", "1 2", "{} x", "nul", `{"a":1}}`} {
		if v, err := DecodeJSON([]byte(bad)); err == nil {
			t.Errorf("%q gave %#v", bad, v)
		}
	}
}
