package commands

import (
	"testing"

	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
)

func TestCommand(t *testing.T) { moduletest.Replay(t, All, "testdata/command.json") }
func TestExpect(t *testing.T)  { moduletest.Replay(t, All, "testdata/expect.json") }
func TestScript(t *testing.T)  { moduletest.Replay(t, All, "testdata/script.json") }
func TestShell(t *testing.T)   { moduletest.Replay(t, All, "testdata/shell.json") }

func TestMake(t *testing.T) {
	moduletest.Need(t, "make")
	moduletest.Replay(t, All, "testdata/make.json")
}
