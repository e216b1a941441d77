package main
import ("testing";"os";"github.com/troupe-automation/troupe/internal/target/modules/moduletest";"github.com/troupe-automation/troupe/internal/target/modules/all")
func TestX(t *testing.T) { moduletest.Replay(t, all.All, os.Getenv("CASES")) }
