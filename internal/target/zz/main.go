package main

import (
	"encoding/json"
	"os"

	"github.com/troupe-automation/troupe/internal/target/modules/all"
	"github.com/troupe-automation/troupe/module"
	"context"
)

func main() {
	var args map[string]any
	if len(os.Args) > 2 {
		if err := json.Unmarshal([]byte(os.Args[2]), &args); err != nil { panic(err) }
	}
	r := module.Execute(context.Background(), all.Registry.Lookup(os.Args[1]), args, module.Options{Name: os.Args[1], Check: os.Getenv("CHECK") != "", Diff: os.Getenv("DIFF") != "", NoInvocation: os.Getenv("INV") == ""})
	b, _ := json.MarshalIndent(r, "", "    ")
	os.Stdout.Write(append(b, '\n'))
}
