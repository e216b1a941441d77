package inventory_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/troupe-automation/troupe/internal/content/inventory"
)

func FuzzINI(f *testing.F) {
	for _, s := range []string{"[web]\nh1 a=1\n", "h[1:3].x\n", "[a:children]\nb\n[b]\n", "[a:vars]\nx={'a': [1]}\n[a]\n", "h \"a=b c\" # d\n", "[::1]:22\n"} {
		f.Add([]byte(s))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(dir, "hosts")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		inv, err := inventory.Load(context.Background(), []string{file}, inventory.Options{Plugins: []string{"ini"}})
		if err == nil {
			_ = inv.Group("all").AllHosts()
		}
	})
}

func FuzzPatterns(f *testing.F) {
	for _, s := range []string{"all", "web:&db:!x", "~w[0-9]+", "web[0]", "web[1:]", "a,b", "[::1]", "*.x", "w[", "!", "&", "~(", "10.0.0.1:22"} {
		f.Add(s)
	}
	inv, err := inventory.Load(context.Background(), []string{"h1,h2,web3.x,"}, inventory.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		_, _ = inv.Match(inventory.Query{Patterns: []string{pattern}, Mismatch: inventory.MismatchIgnore})
	})
}
