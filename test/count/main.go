// Command count runs `go test -json` with the arguments it is given, shows what failing tests printed, and tells at the end how
// many tests passed, failed and were skipped, and why those were skipped.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sort"
	"strings"
)

type line struct {
	Action, Package, Test, Output, ImportPath string
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	printed := map[string]*strings.Builder{}
	tests := map[string]int{}
	skips := map[string]int{}
	sc := bufio.NewScanner(out)
	sc.Buffer(nil, 16<<20)
	for sc.Scan() {
		var l line
		if json.Unmarshal(sc.Bytes(), &l) != nil {
			continue
		}
		key := l.Package + " " + l.Test
		switch l.Action {
		case "build-output":
			fmt.Print(l.Output)
		case "output":
			if printed[key] == nil {
				printed[key] = &strings.Builder{}
			}
			printed[key].WriteString(l.Output)
		case "pass", "fail", "skip":
			text := ""
			if b := printed[key]; b != nil {
				text = b.String()
			}
			delete(printed, key)
			if l.Test != "" {
				tests[l.Action]++
			}
			if l.Action == "fail" {
				fmt.Printf("%s\n%s", key, text)
				if l.Test == "" {
					unfinished(printed, l.Package)
				}
			}
			if l.Action == "skip" && l.Test != "" {
				skips[reason(text)]++
			}
		}
	}
	err = cmd.Wait()
	var reasons []string
	for r := range skips {
		reasons = append(reasons, r)
	}
	sort.Strings(reasons)
	for _, r := range reasons {
		fmt.Printf("skipped %d: %s\n", skips[r], r)
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", tests["pass"], tests["fail"], tests["skip"])
	if err != nil {
		return 1
	}
	return 0
}

// unfinished prints what the tests said that a package's end has cut off: one of them is why it hung or crashed.
func unfinished(printed map[string]*strings.Builder, pkg string) {
	var keys []string
	for k := range printed {
		if strings.HasPrefix(k, pkg+" ") {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	for _, k := range keys {
		fmt.Printf("%s did not end\n%s", k, printed[k])
		delete(printed, k)
	}
}

// reason is what a skipped test said.
func reason(text string) string {
	for l := range strings.SplitSeq(text, "\n") {
		if _, after, ok := strings.Cut(l, "_test.go:"); ok {
			if _, why, ok := strings.Cut(after, ": "); ok {
				return strings.TrimSpace(why)
			}
		}
	}
	return "no reason given"
}
