package term

import (
	"slices"
	"strings"
	"testing"

	"github.com/creack/pty"
)

func TestWrap(t *testing.T) {
	// Texts and breaks as ansible-core 2.18 printed them (samples fmt_warnings_stderr, inv_warnings).
	tests := []struct {
		name, in string
		want     []string
	}{
		{"delimiters", "[WARNING]: conditional statements should not include jinja2 templating delimiters such as {{ }} or {% %}. Found: {{ true }}",
			[]string{"[WARNING]: conditional statements should not include jinja2 templating", "delimiters such as {{ }} or {% %}. Found: {{ true }}"}},
		{"short", "[WARNING]: a", []string{"[WARNING]: a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Wrap(tt.in, 79, false); !slices.Equal(got, tt.want) {
				t.Errorf("Wrap(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestCells(t *testing.T) {
	for text, want := range map[string]int{"abc": 3, "日本": 4, "é": 1, "e\u0301": 1} {
		if got := Cells(text); got != want {
			t.Errorf("Cells(%q) = %d, want %d", text, got, want)
		}
	}
}

// The answer to a prompt for a password is not shown, however quickly it comes.
func TestReadPassword(t *testing.T) {
	for range 20 {
		master, slave, err := pty.Open()
		if err != nil {
			t.Skip("no pseudo terminal: " + err.Error())
		}
		const prompt = "SSH password: "
		shown := make(chan string)
		go func() {
			var all []byte
			buf := make([]byte, 100)
			for answered := false; ; {
				n, err := master.Read(buf)
				if err != nil {
					shown <- string(all)
					return
				}
				all = append(all, buf[:n]...)
				if !answered && strings.HasSuffix(string(all), prompt) {
					answered = true
					master.Write([]byte("my_password\n"))
				}
			}
		}()
		got, err := ReadPassword(slave, slave, prompt)
		slave.Close()
		if seen := <-shown; err != nil || got != "my_password" || seen != prompt {
			t.Errorf("got %q, %v; shown %q", got, err, seen)
		}
		master.Close()
	}
}
