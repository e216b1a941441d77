package command

import "testing"

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "64M": 64 << 20, "2g": 2 << 30, "40000K": 40000 << 10, "99999999": 99999999,
		"1M": -1, "x": -1, "5MM": -1, "-1G": -1, "9999999999G": -1, "1.5G": -1, "M": -1} {
		got, err := bytesOf(text)
		if want < 0 != (err != nil) || err == nil && got != want {
			t.Errorf("%q: %d %v", text, got, err)
		}
	}
}
